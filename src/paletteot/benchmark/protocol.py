"""What the referee's rooms share: the base of every ratio, and the stops that are counted to."""

BASE = "cold"
"""The start that every ratio is taken to."""

TOLERANCES = {"1e-5": 1e-5, "1e-9": 1e-9}
"""L1 marginal errors that Track B counts to, both sides together, by the names of their columns."""

RUNGS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
"""Largest changes of log v at which the count is taken; the reference stop is among them (docs/protocol.md, 2)."""
