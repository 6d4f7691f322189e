"""Colour transfer: the colours of one picture on another."""
