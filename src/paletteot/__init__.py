"""PaletteOT: a data set and benchmark for learning to warm-start optimal transport between colour palettes."""
