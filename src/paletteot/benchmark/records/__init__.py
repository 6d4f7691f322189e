"""Records: what was judged once."""
