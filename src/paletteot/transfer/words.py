"""What is said of a transfer."""

from __future__ import annotations

from paletteot.transfer.matching import Match
from paletteot.transfer.options import Options


def facts(match: Match, options: Options) -> list[str]:
    """Return what a transport took and kept, line by line."""
    lines = [f"transport: {1000 * match.seconds:.1f} ms, {match.kept:.1%} of A kept as greys that B has too"]
    if (counts := match.counts) is not None:
        taken = "the plan is the start's own" if options.network_only else "the plan is the one after Sinkhorn"
        lines += [
            f"from {counts.start}: {counts.iterations:,} iterations, {counts.own} of them the start's own passes, "
            f"{1000 * counts.seconds:.1f} ms; {taken}",
            f"from cold: {counts.cold_iterations:,} iterations, {1000 * counts.cold_seconds:.1f} ms",
        ]
    return lines
