"""The working folder: paths, provenance, tracking."""
