"""Tracks: what is run and counted."""
