"""Colour transfer: the palette of one picture, mapped onto another."""
