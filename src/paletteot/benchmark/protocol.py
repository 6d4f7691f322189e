"""What the referee's rooms share: the base of every ratio, the splits, the errors that are counted to."""

BASE = "cold"
"""The start that every ratio is taken to."""

RANKING_SPLIT = "test_unseen"
CHOICE_SPLIT = "validation_unseen"
"""What is chosen, an acceleration or the rival, is chosen here and shown on the ranking split."""

TOLERANCES = {"1e-5": 1e-5, "1e-9": 1e-9}
"""L1 marginal errors that Track B counts to, both sides together, by the names of their columns."""
