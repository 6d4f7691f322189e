"""Colour transfer: one picture's colours moved onto another by transport between their palettes."""
