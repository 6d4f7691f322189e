"""Closed-form potentials between Gaussian fits of two palettes; one formula for numpy and torch.

For the squared distance the map between Gaussians is affine and the potentials are quadratic (Thornton and Cuturi
2022, Rethinking initialization of the Sinkhorn algorithm). For the distance itself the gradient of g at y is the unit
vector to y from where y's mass comes. The affine map S of the target's fit onto the source's gives these directions,
and g is their integral along the ray from the target's mean m to y:

    g(y) = integral over t in (0, 1) of <y - m, d(z_t) / |d(z_t)|>,   d(z) = z - S(z),   z_t = m + t (y - m).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

FLOOR = 1e-4
"""Variance, LAB units squared, added along every axis, so that fits to one colour or to a line have an inverse."""

SOFTENING = 1.0
"""Displacement, LAB units, below which its direction counts for less: a fit does not resolve it."""

POSITIONS, SHARES = np.polynomial.legendre.leggauss(16)
"""Nodes of the Gauss-Legendre quadrature along a ray, in (-1, 1), and their weights."""


def potentials(x: Any, a: Any, y: Any, b: Any) -> Any:
    """Return g (n, l), LAB units, of the targets y (n, l, 3), b (n, l) for the sources x (n, k, 3), a (n, k).

    Arrays of numpy or of torch, float64: in float32 palettes of a few colours have no inverse.
    """
    xp = array_namespace(x, a, y, b)
    source, spread = moments(x, a)
    target, own_spread = moments(y, b)
    matrix = gaussian_map(own_spread, spread)
    ray = xp.where(b[..., None] > 0, y - target[:, None, :], xp.zeros_like(y))
    slope = ray - ray @ matrix  # d along a ray is linear in t
    offset = (target - source)[:, None, :]
    g = xp.zeros_like(b)
    for t, share in zip((POSITIONS + 1) / 2, SHARES / 2, strict=True):
        displacement = offset + float(t) * slope
        length = xp.sqrt(xp.sum(displacement**2, axis=-1) + SOFTENING**2)
        g = g + float(share) * xp.sum(ray * displacement, axis=-1) / length
    return g


def moments(x: Any, a: Any) -> tuple[Any, Any]:
    """Return means (n, 3), LAB units, and covariances (n, 3, 3) of palettes x (n, k, 3), a (n, k)."""
    xp = array_namespace(x, a)
    points = xp.where(a[..., None] > 0, x, xp.zeros_like(x))  # where there is no atom anything may stand, NaN too
    mean = xp.sum(points * a[..., None], axis=1)
    centred = points - mean[:, None, :]
    return mean, xp.matrix_transpose(centred) @ (centred * a[..., None])


def root(matrices: Any) -> Any:
    """Return the symmetric square roots of symmetric positive semidefinite matrices, (n, d, d)."""
    xp = array_namespace(matrices)
    values, vectors = xp.linalg.eigh(matrices)
    values = xp.where(values > 0, values, xp.zeros_like(values))
    return (vectors * xp.sqrt(values)[:, None, :]) @ xp.matrix_transpose(vectors)


def gaussian_map(here: Any, there: Any) -> Any:
    """Return the matrices A of the optimal maps between centred Gaussians, A here A = there, (n, 3, 3).

    A = here^-1/2 (here^1/2 there here^1/2)^1/2 here^-1/2 (Peyre and Cuturi 2019, section 2.6), with FLOOR added to
    the variances here. here, there: covariances (n, 3, 3), LAB units squared; any rank.
    """
    xp = array_namespace(here, there)
    half = root(here + FLOOR * xp.eye(here.shape[-1], dtype=here.dtype, device=device(here)))
    inverse = xp.linalg.inv(half)
    return inverse @ root(half @ there @ half) @ inverse
