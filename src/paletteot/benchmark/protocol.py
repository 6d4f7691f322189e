"""What the referee's rooms share: the base of every ratio, and the errors that are counted to."""

BASE = "cold"
"""The start that every ratio is taken to."""

TOLERANCES = {"1e-5": 1e-5, "1e-9": 1e-9}
"""L1 marginal errors that Track B counts to, both sides together, by the names of their columns."""
