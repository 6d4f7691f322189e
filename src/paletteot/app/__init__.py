"""A page to try colour transfer: two pictures in, the result, both palettes and the plan out."""
