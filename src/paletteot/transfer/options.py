"""What may be chosen in a transfer."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from paletteot.errors import ParamsError, ProblemError
from paletteot.ot import numbers

Method = Literal["smooth", "hard"]
Cost = Literal["squared", "distance"]

LEAST_K, MOST_K = 2, 1024
EXACT = "none"
"""The start of who wants the plan and no counts: `paletteot.solve`."""


@dataclass(frozen=True)
class Options:
    """Choices of a transfer; their defaults are those of every command and of the page.

    k: atoms of either palette. eps: entropic regularisation, LAB units. method: ``smooth`` moves each pixel by a blend
    of the shifts of the atoms near it, ``hard`` gives it the new colour of its atom. sigma: how near, LAB units.
    strength: share of the way, 0 to 1. keep_luminance: whether L* stays. neutrals: how far greys, black and white that
    both pictures have are kept, 0 to 1. start: ``none`` for the exact plan, or the warm start that the reference
    iteration is counted from. network_only: take the plan straight from the start. seed: of both clusterings. cost:
    ``squared`` distances with lightness twice (`squared.SquaredProblem`), or the ``distance`` of all problems of the
    data set; None for the first, but for the second where a start is named, which knows no other.
    Raises ParamsError naming the field and what is legal.
    """

    k: int = 128
    eps: float = 0.1
    method: Method = "smooth"
    sigma: float = 8.0
    strength: float = 1.0
    keep_luminance: bool = False
    neutrals: float = 1.0
    start: str = EXACT
    network_only: bool = False
    seed: int = 2
    cost: Cost | None = None

    def __post_init__(self) -> None:
        try:
            checked: dict[str, Any] = {
                "k": numbers.whole(self.k, "k", LEAST_K, MOST_K),
                "eps": _between(self.eps, "eps", 1e-3, 1e3, "LAB units"),
                "sigma": _between(self.sigma, "sigma", 0.1, 1e3, "LAB units"),
                "strength": _between(self.strength, "strength", 0, 1),
                "neutrals": _between(self.neutrals, "neutrals", 0, 1),
                "seed": numbers.whole(self.seed, "seed"),
            }
        except ProblemError as error:
            raise ParamsError(str(error)) from None
        for field, value in checked.items():
            object.__setattr__(self, field, value)
        if self.cost not in (None, *get_args(Cost)):
            raise ParamsError(f"cost must be one of {', '.join(get_args(Cost))}, but is {self.cost!r}")
        if self.cost == "squared" and self.start != EXACT:
            raise ParamsError(f"cost must be distance for the start {self.start}, which knows no other, but is squared")
        if self.method not in get_args(Method):
            raise ParamsError(f"method must be one of {', '.join(get_args(Method))}, but is {self.method!r}")
        if self.network_only and self.start == EXACT:
            raise ParamsError("network_only must come with a start whose plan it takes, as dual, but start is none")

    @property
    def squared(self) -> bool:
        """Whether distances are squared."""
        return self.start == EXACT if self.cost is None else self.cost == "squared"

    def but(self, **changes: Any) -> Options:
        """Return these with changes; raises ParamsError for a name that is no option."""
        legal = [field.name for field in fields(self)]
        for name in changes:
            if name not in legal:
                raise ParamsError(f"an option must be one of {', '.join(legal)}, but is {name!r}")
        return replace(self, **changes)


def _between(value: object, field: str, least: float, most: float, unit: str = "") -> float:
    legal = f"from {least:g} to {most:g}{' ' if unit else ''}{unit}"
    number = numbers.real(value, field, f"a number {legal}")
    if not least <= number <= most:
        raise ProblemError(f"{field} must be {legal}, but is {number:g}")
    return number
