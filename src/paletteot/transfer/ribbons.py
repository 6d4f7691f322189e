"""A plan as ribbons between two bars of colours: what goes where, in which order, and how it is painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage, optimal_leaf_ordering

import paletteot.lab as cielab
from paletteot.compiled import njit
from paletteot.lab import Array

Order = NDArray[np.int64]

GROUPS = 28
"""Groups of like colours of a palette at most. Ribbons join groups: one for each pair of atoms is too fine to see."""
LEAST = 8e-4
"""Share of the mass below which a ribbon, hardly a pixel wide, is left out, if others leave and reach its groups."""
STEPS = 24
"""Colours along a ribbon, between which is interpolated."""
LINES = 4
"""Lines of a row of pixels on which edges are followed: a thin ribbon that lies nearly flat is a line, not dots."""
OPACITY = 0.94
"""Of ribbons, so that crossings show."""


@dataclass(frozen=True)
class Bar:
    """A palette as a bar.

    atoms: (n,) those with weight, in order. ends: (n + 1,) where each begins and ends, as shares of the bar.
    group: (n,) which group each is in, 0 for the first group of the bar. groups: (m + 1,) where those begin and end.
    colours: (m, 3) CIELAB, their means.
    """

    atoms: Order
    ends: Array
    group: Order
    groups: Array
    colours: Array


@dataclass(frozen=True)
class Ribbons:
    """What joins two bars.

    source, target: (n,) groups of the first and the second bar. above, below: (n, 2) left and right end at the first
    and at the second, shares of the bars. mass: (n,), largest first.
    """

    source: Order
    target: Order
    above: Array
    below: Array
    mass: Array


def bars(plan: Array, x: Array, a: Array, y: Array, b: Array) -> tuple[Bar, Bar]:
    """Order two palettes.

    The first as the leaves of a tree of its colours whose neighbours are most alike (Bar-Joseph, Gifford and Jaakkola
    2001), dark ones left. The second by groups of like colours, each at the barycentre of where its mass comes from, so
    that few ribbons cross.

    plan: (k, l). x, a: (k, 3) CIELAB and (k,) weights. y, b: (l, 3) and (l,). Atoms of weight 0 are left out.
    """
    atoms, labels = _leaves(x, a)
    first = _bar(atoms, labels, x, a)
    places = np.zeros(len(a))
    places[first.atoms] = (first.ends[1:] + first.ends[:-1]) / 2
    atoms, labels = _leaves(y, b)
    arrived = plan[:, atoms].sum(axis=0)
    nearest = ((y[atoms][:, None] - x[first.atoms][None]) ** 2).sum(axis=2).argmin(axis=1)  # where nothing arrives
    theirs = np.where(
        arrived > 0, (places @ plan[:, atoms]) / np.where(arrived > 0, arrived, 1), places[first.atoms[nearest]]
    )
    weights = np.bincount(labels, b[atoms])
    middles = np.bincount(labels, b[atoms] * theirs) / np.where(weights > 0, weights, 1)
    order = np.lexsort((theirs, middles[labels]))
    return first, _bar(atoms[order], labels[order], y, b)


def ribbons(plan: Array, first: Bar, second: Bar) -> Ribbons:
    """Lay a plan (k, l) out between bars; at either the ribbons of a group fill it, in the order of the other ends."""
    moved = np.zeros((len(first.colours), len(second.colours)))
    np.add.at(moved, (first.group[:, None], second.group[None]), plan[np.ix_(first.atoms, second.atoms)])
    kept = moved > LEAST
    kept[np.arange(len(moved)), moved.argmax(axis=1)] = True
    kept[moved.argmax(axis=0), np.arange(moved.shape[1])] = True
    kept &= moved > 0
    moved = np.where(kept, moved, 0.0)
    above, below = _within(moved, first.groups), _within(moved.T, second.groups).transpose(1, 0, 2)
    rows, columns = np.nonzero(kept)
    order = np.argsort(-moved[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    return Ribbons(rows, columns, above[rows, columns], below[rows, columns], moved[rows, columns])


def _leaves(x: Array, a: Array) -> tuple[Order, Order]:
    """Return atoms in order, and a label of the group of each."""
    on = np.flatnonzero(a > 0)
    if len(on) < 3:
        on = on[np.argsort(x[on, 0], kind="stable")]
        return on, np.arange(len(on))
    tree = optimal_leaf_ordering(linkage(x[on], method="ward"), x[on])
    order, labels = leaves_list(tree), fcluster(tree, GROUPS, criterion="maxclust") - 1
    light, weights = x[on[order], 0], a[on[order]]
    rising = weights * (light - np.average(light, weights=weights)) @ (np.cumsum(weights) - weights / 2)
    order = order if rising >= 0 else order[::-1]
    return on[order], labels[order].astype(np.int64)


def _bar(atoms: Order, labels: Order, x: Array, a: Array) -> Bar:
    group = np.cumsum(np.diff(labels, prepend=labels[0]) != 0)
    ends = np.cumsum([0.0, *a[atoms]]) / a[atoms].sum()
    weights = np.bincount(group, a[atoms])
    colours = np.stack([np.bincount(group, a[atoms] * x[atoms, axis]) / weights for axis in range(3)], axis=1)
    last = np.flatnonzero(np.diff(group, append=group[-1] + 1))
    return Bar(atoms, ends, group, ends[[0, *(last + 1)]], colours)


def _within(moved: Array, ends: Array) -> Array:
    """Return left and right end of each entry in its row's part of a bar, (rows, columns, 2)."""
    stops = np.cumsum(moved, axis=1)
    starts = np.concatenate([np.zeros((len(moved), 1)), stops[:, :-1]], axis=1)
    total = np.where(stops[:, -1:] > 0, stops[:, -1:], 1)
    left, width = ends[:-1, None], np.diff(ends)[:, None]
    return np.stack([left + width * starts / total, left + width * stops / total], axis=2)


def paint_bar(canvas: Array, bar: Bar, x: Array) -> None:
    """Paint the atoms of a bar, CIELAB x (k, 3), over all of a canvas (h, w, 3), sRGB from 0 to 255."""
    colours = cielab.to_srgb(x[bar.atoms]).astype(np.float64)
    _, width, _ = canvas.shape
    edges = np.arange(width + 1) / width
    below = np.stack([np.interp(edges, bar.ends, np.cumsum([0, *(np.diff(bar.ends) * one)])) for one in colours.T])
    canvas[:] = np.diff(below).T * width  # the mean of the colours in each column


def paint(canvas: Array, joined: Ribbons, first: Bar, second: Bar) -> None:
    """Paint ribbons over a canvas (h, w, 3), sRGB from 0 to 255: the first bar above it, the second below.

    Wide ones lie on top. Each goes from the colour of its first group to that of its second by way of CIELAB. Edges
    cover what they cover of each pixel.
    """
    share = np.linspace(0, 1, STEPS)[None, :, None]
    mixed = (1 - share) * first.colours[joined.source][:, None] + share * second.colours[joined.target][:, None]
    _paint(canvas, joined.above, joined.below, cielab.to_srgb(mixed).astype(np.float64), OPACITY)


@njit(cache=True, nogil=True, error_model="numpy")
def _paint(
    canvas: Array, above: Array, below: Array, colours: Array, opacity: float
) -> None:  # pragma: no cover - compiled
    height, width, steps = canvas.shape[0], canvas.shape[1], colours.shape[1]
    covered = np.zeros(width)
    for row in range(height):
        place = (row + 0.5) / height * (steps - 1)
        step = min(int(place), steps - 2)
        part = place - step
        for n in range(len(above) - 1, -1, -1):
            first, last = width, 0
            for line in range(LINES):
                t = (row + (line + 0.5) / LINES) / height
                bent = t * t * (3.0 - 2.0 * t)  # upright at both bars
                left = width * ((1.0 - bent) * above[n, 0] + bent * below[n, 0])
                right = width * ((1.0 - bent) * above[n, 1] + bent * below[n, 1])
                first, last = min(first, max(int(left), 0)), max(last, min(int(right) + 1, width))
                for column in range(max(int(left), 0), min(int(right) + 1, width)):
                    covered[column] += max(min(right, column + 1.0) - max(left, float(column)), 0.0) / LINES
            for column in range(first, last):
                for c in range(3):
                    colour = (1.0 - part) * colours[n, step, c] + part * colours[n, step + 1, c]
                    canvas[row, column, c] += opacity * covered[column] * (colour - canvas[row, column, c])
                covered[column] = 0.0
