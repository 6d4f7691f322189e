"""Arithmetic with the same bits on every CPU: sums in fixed lanes, exponentials and logarithms without libm."""
