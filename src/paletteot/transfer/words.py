"""What is said of a transfer."""

from __future__ import annotations

from paletteot.transfer.matching import Match
from paletteot.transfer.options import Options


def facts(match: Match, options: Options) -> list[str]:
    """Return what a transport took and kept, line by line."""
    lines = [f"transport: {1000 * match.seconds:.1f} ms, {match.kept:.1%} of A kept as greys that B has too"]
    if (counts := match.counts) is None:
        return lines
    if options.network_only:
        lines.append(
            f"the plan is the one of {counts.start} alone: {counts.own} passes, {1000 * counts.own_seconds:.1f} ms; "
            f"with Sinkhorn after it {counts.iterations:,} iterations, {1000 * counts.seconds:.1f} ms"
        )
    elif counts.start != "cold":
        lines.append(
            f"from {counts.start}: {counts.iterations:,} iterations, {counts.own} of them its own passes, "
            f"{1000 * counts.seconds:.1f} ms"
        )
    return [*lines, f"from cold: {counts.cold_iterations:,} iterations, {1000 * counts.cold_seconds:.1f} ms"]
