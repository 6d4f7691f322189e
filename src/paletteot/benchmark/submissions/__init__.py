"""Taking part with a file."""
