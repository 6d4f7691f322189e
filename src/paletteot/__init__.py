"""PaletteOT: a data set and benchmark for learning to warm-start optimal transport between colour palettes."""

from paletteot.dataset.plans import Plans, load
from paletteot.errors import PaletteOTError
from paletteot.ot.exact import Solution, solve
from paletteot.ot.problem import Problem
from paletteot.ot.sinkhorn import plan
from paletteot.pretrained import warm_start

__all__ = ["PaletteOTError", "Plans", "Problem", "Solution", "load", "plan", "solve", "warm_start"]
