"""Boards: who is where, from rows that tracks left."""
