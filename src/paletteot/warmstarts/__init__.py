"""The contestants. `create` makes one by name; modules are imported only when asked for (torch takes a second)."""

from __future__ import annotations

import importlib
from pathlib import Path

from paletteot.errors import ParamsError
from paletteot.guests import code as outside
from paletteot.warmstarts.contract import WarmStart, family

BUILT_IN: dict[str, tuple[str, str, *tuple[float, ...]]] = {
    "cold": ("cold", "Cold"),
    "gaussian": ("gaussian", "Gaussian"),
    "nearest": ("nearest", "Nearest"),
    "epsilon_schedule_10": ("epsilon_schedule", "EpsilonSchedule", 10),
    "epsilon_schedule_13": ("epsilon_schedule", "EpsilonSchedule", 13, 10),
    "epsilon_schedule_40": ("epsilon_schedule", "EpsilonSchedule", 40),
    "gaussian_schedule_6": ("epsilon_schedule", "GaussianSchedule", 6, 2.4),
    "epsilon_schedule_accelerated": ("epsilon_schedule", "AcceleratedSchedule", 10),
    "lp_duals": ("lp_duals", "LPDuals"),
    "plan_network": ("plan_network", "PlanStart"),
    "plan_network_kept": ("plan_network", "KeptPlanStart"),
    "seed_checkpoint": ("plan_network", "SeedCheckpoint"),
    "dual_network": ("dual_network", "DualStart"),
    "dual_network_self": ("dual_network", "DualStart"),
    "dual_network_unrolled": ("dual_network", "DualStart"),
    "dual_network_accelerated": ("dual_network", "AcceleratedDualStart"),
}
"""Name of each contestant: its module in this package, its class, and the arguments of its class."""

LEARNED = (
    "nearest", "plan_network", "plan_network_kept", "seed_checkpoint",
    "dual_network", "dual_network_self", "dual_network_unrolled", "dual_network_accelerated",
)  # fmt: skip
"""Contestants that know something from data: their class reads it with ``from_file``."""

SOLVERS = ("lp_duals",)
"""Contestants that learned nothing but do not work by passes over the kernel."""

__all__ = ["BUILT_IN", "LEARNED", "SOLVERS", "check_name", "create", "family"]


def check_name(name: str, field: str) -> str:
    """Return the name of a contestant, built in or installed; raises ParamsError naming field and legal names."""
    if name not in BUILT_IN and name not in (installed := outside.installed()):
        raise ParamsError(f"{field} must be one of {', '.join([*BUILT_IN, *installed])}, but is {name!r}")
    return name


def code(name: str) -> list[str]:
    """Return the module of a built-in contestant; of one that an installed package brings there is none."""
    return [f"{__name__}.{BUILT_IN[name][0]}"] if name in BUILT_IN else []


def create(name: str, file: Path | None = None) -> WarmStart:
    """Return a contestant. That of an installed package runs in a process of its own, and is Failsafe.

    file: what a learned one reads: its weights (safetensors), or the folder of plans for ``nearest``. Raises
    ParamsError for an unknown name, or a file that is not given; DataError where the file is not whole; NoAnswerError
    where an installed one cannot be made.
    """
    if check_name(name, "method") not in BUILT_IN:
        from paletteot.guests.contestant import Guest
        from paletteot.guests.failsafe import Failsafe

        return Failsafe(Guest(outside.installed()[name], file))
    module, cls, *arguments = BUILT_IN[name]
    contestant = getattr(importlib.import_module(f"{__name__}.{module}"), cls)
    if name not in LEARNED:
        made = contestant(*arguments)
    elif file is None:
        raise ParamsError(f"method {name} must be given a file to read")
    else:
        made = contestant.from_file(file)
    assert isinstance(made, WarmStart)
    return made
