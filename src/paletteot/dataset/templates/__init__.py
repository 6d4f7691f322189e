"""Of the release's card: a folder of its own, so that only what writes the card depends on it."""
