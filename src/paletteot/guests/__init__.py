"""Code and files from outside the package."""
