"""Colours that a map pushed out of sRGB come back with their hue and, mostly, lightness, and stay distinct.

At a lightness and hue (CIE 15, CIELCh) sRGB has a largest chroma. Colours up to KNEE of it never move. From there on a
Möbius curve, which leaves with slope 1 and never stops rising, takes all chroma up to `reach` beyond the largest into
the shell that is left, the farthest onto the boundary. The reach is the picture's own: where nothing left sRGB nothing
moves, and the curve departs from that little by little. (A knee and a limit, as in the reference gamut compression of
ACES 1.3; there distances are from the grey axis in RGB, and limits are the cameras'.)
"""

from __future__ import annotations

import numpy as np

import paletteot.lab as cielab
from paletteot.compiled import njit
from paletteot.lab import Array

X, _, Z = cielab.WHITE
"""The white point, D65; its Y is 1."""

KNEE = 0.9
"""Share of the largest chroma up to which no colour moves. A lower one leaves more room to what comes from outside, but
pales more of what was inside: this one by at most 5 %."""

BLACK, WHITE = -1e-7, 1.0 + 1e-4
"""What counts as inside for a linear intensity: the rounding of CIELAB, a tenth of a 16-bit level in the deepest
shadows, and as far as the rounded matrix of CIELAB takes white itself, 3 such levels."""

MOST_CHROMA = 140.0
"""Above all chroma of sRGB, of which blue has most, 133.8."""
CLOSE = 1e-4
"""Chroma, or lightness, within which the boundary is found,"""
NEWTON_STEPS = 6
"""by halves where so many steps of Newton's did not."""

FALL, FALL_STEPS = 8.0, 4
"""Lightness that light warm colours may give up, and in how many steps more chroma is looked for. Just above its purest
yellows and oranges sRGB pales at once: at a hue of 98 degrees it has chroma 92 at L* 92, and 32 at L* 95."""
FALL_LIGHT, FALL_WHOLE = 60.0, 80.0
"""Lightness from which on some of it may be given up, and all."""
FALL_HUE, FALL_WIDE, FALL_FULL = (0.08715574274765817, 0.9961946980917455), 0.5, 0.9396926207859084
"""Cosine and sine of a hue of 85 degrees, and cosines of the angles around it in which some may be given up, 60
degrees, and all, 20 degrees."""
FALL_SEARCH = 0.1
"""Steps down in which a lightness that has a chroma is looked for."""


@njit(error_model="numpy")
def _decoded_slope(f: float) -> tuple[float, float]:  # pragma: no cover - compiled
    """Return what CIELAB decodes to a share of the white point (as paletteot.lab does), and its derivative."""
    return (f * f * f, 3.0 * f * f) if f > 0.2068966 else ((f - 16.0 / 116.0) / 7.787, 1.0 / 7.787)


@njit(error_model="numpy")
def room(light: float, cosine: float, sine: float, chroma: float) -> tuple[float, float]:  # pragma: no cover - compiled
    """Return how far linear sRGB lies inside of the nearest face of [BLACK, WHITE]^3, below 0 outside.

    The second number is its derivative along the chroma.
    """
    f = (light + 16.0) / 116.0
    y, _ = _decoded_slope(f)
    x, x_slope = _decoded_slope(f + chroma * cosine / 500.0)
    z, z_slope = _decoded_slope(f - chroma * sine / 200.0)
    x, x_slope, z, z_slope = x * X, x_slope * cosine * (X / 500.0), z * Z, z_slope * sine * (-Z / 200.0)
    # The inverse of the matrix in paletteot.lab.
    red = 3.2404813432005266 * x - 1.5371515162713183 * y - 0.4985363261688878 * z
    green = -0.9692549499965682 * x + 1.8759900014898907 * y + 0.04155592655829284 * z
    blue = 0.055646639135177166 * x - 0.20404133836651123 * y + 1.0573110696453443 * z
    red_slope = 3.2404813432005266 * x_slope - 0.4985363261688878 * z_slope
    green_slope = -0.9692549499965682 * x_slope + 0.04155592655829284 * z_slope
    blue_slope = 0.055646639135177166 * x_slope + 1.0573110696453443 * z_slope
    least, least_slope = (red, red_slope) if red < green else (green, green_slope)
    least, least_slope = (least, least_slope) if least < blue else (blue, blue_slope)
    most, most_slope = (red, red_slope) if red > green else (green, green_slope)
    most, most_slope = (most, most_slope) if most > blue else (blue, blue_slope)
    return (least - BLACK, least_slope) if least - BLACK < WHITE - most else (WHITE - most, -most_slope)


@njit(error_model="numpy")
def inside(light: float, cosine: float, sine: float, chroma: float) -> bool:  # pragma: no cover - compiled
    """Return whether sRGB has a colour of this lightness, hue and chroma."""
    return room(light, cosine, sine, chroma)[0] >= 0.0


@njit(error_model="numpy")
def largest_at(light: float, cosine: float, sine: float, guess: float) -> float:  # pragma: no cover - compiled
    """Return sRGB's largest chroma at a lightness and the cosine and sine of a hue; 0 where it has not even the grey.

    guess: where Newton's method begins, which is kept between a chroma inside and one outside. The result is inside.
    """
    low, high = 0.0, MOST_CHROMA
    there, step = guess, 0
    while high - low > CLOSE:
        if step > NEWTON_STEPS or not low < there < high:
            there = (low + high) / 2.0
        value, slope = room(light, cosine, sine, there)
        low, high = (there, high) if value >= 0.0 else (low, there)
        # A little further than Newton's, so that the other end of the bracket comes close too.
        there += (0.4 * CLOSE if value >= 0.0 else -0.4 * CLOSE) - value / slope
        step += 1
    return low


@njit(error_model="numpy")
def fall(light: float, cosine: float, sine: float) -> float:  # pragma: no cover - compiled
    """Return how far the lightness of a colour may fall to keep its chroma: 0 but for light warm colours."""
    if light <= FALL_LIGHT:
        return 0.0
    near = (cosine * FALL_HUE[0] + sine * FALL_HUE[1] - FALL_WIDE) / (FALL_FULL - FALL_WIDE)
    return FALL * min(max(near, 0.0), 1.0) * min((light - FALL_LIGHT) / (FALL_WHOLE - FALL_LIGHT), 1.0)


@njit(error_model="numpy")
def largest_chroma(
    light: float, cosine: float, sine: float, guess: float, falls: float
) -> tuple[float, float]:  # pragma: no cover - compiled
    """Return the largest chroma of a hue at a lightness or in reach of its fall, and the lightness that has it.

    guess: as in `largest_at`. falls: 1, or 0 where lightness must not give way.
    """
    most, where, depth = 0.0, light, falls * fall(light, cosine, sine)
    for step in range(FALL_STEPS if depth > 0.0 else 0, -1, -1):  # from below, which nearly always has most
        lower = light - depth * step / FALL_STEPS
        if inside(lower, cosine, sine, most + CLOSE):
            there = largest_at(lower, cosine, sine, guess)
            most, where = (there, lower) if there > most else (most, where)
    return most, where


@njit(error_model="numpy")
def polar(light: float, a: float, b: float) -> tuple[float, float, float, float]:  # pragma: no cover - compiled
    """Return lightness in [0, 100], cosine and sine of the hue, and chroma; grey has the hue of red."""
    light, largest = min(max(light, 0.0), 100.0), max(abs(a), abs(b))
    if largest == 0.0:
        return light, 1.0, 0.0, 0.0
    a, b = a / largest, b / largest  # whose squares are float64 whatever a and b are
    length = np.sqrt(a * a + b * b)
    return light, a / length, b / length, largest * length


@njit(error_model="numpy")
def compressed(
    light: float, a: float, b: float, reach: float, falls: float
) -> tuple[float, float, float]:  # pragma: no cover - compiled
    """Return where a colour comes to lie inside of sRGB, CIELAB.

    reach: how far the farthest of the picture lies outside (`overshoot`); what is beyond that ends on the boundary.
    falls: as in `largest_chroma`.
    """
    kept, cosine, sine, chroma = polar(light, a, b)
    within = kept == light and inside(light, cosine, sine, chroma)
    if within and (reach <= 0.0 or inside(light, cosine, sine, chroma / KNEE)):
        return light, a, b
    most, where = largest_chroma(kept, cosine, sine, min(chroma, MOST_CHROMA), falls)
    most = max(most, chroma) if within else most  # at a corner of sRGB between the steps of a fall
    knee = KNEE * most
    shell, beyond = most - knee, min(chroma - knee, most - knee + reach)
    if beyond > 0.0:
        # knee + shell u / (1 + u (1 - 1 / U)), where u = beyond / shell and U is the largest u.
        chroma = knee + (shell / (shell / beyond + reach / (shell + reach)) if shell > 0.0 else 0.0)
        chroma = min(chroma, most)
    return _lightness(kept, where, cosine, sine, chroma), chroma * cosine, chroma * sine


@njit(error_model="numpy")
def _lightness(
    light: float, where: float, cosine: float, sine: float, chroma: float
) -> float:  # pragma: no cover - compiled
    """Return a lightness, as little below as can be, of which sRGB has this hue and chroma; where: one that has."""
    if inside(light, cosine, sine, chroma):
        return light
    low, high = where, light
    if not inside(low, cosine, sine, chroma):  # at yellow a ray leaves sRGB and meets it again
        low = light
        while low > light - 2.0 * FALL and not inside(low, cosine, sine, chroma):
            low, high = low - FALL_SEARCH, low
    while high - low > CLOSE:
        middle = (low + high) / 2.0
        low, high = (middle, high) if inside(middle, cosine, sine, chroma) else (low, middle)
    return low


@njit(error_model="numpy")
def overshoot(light: float, a: float, b: float, least: float, falls: float) -> float:  # pragma: no cover - compiled
    """Return the chroma that a colour has beyond the largest of its hue and lightness, at least `least`."""
    light, cosine, sine, chroma = polar(light, a, b)
    if chroma <= least or inside(light, cosine, sine, chroma - least):
        return least
    return max(least, chroma - largest_chroma(light, cosine, sine, min(chroma, MOST_CHROMA), falls)[0])


@njit(cache=True, nogil=True, error_model="numpy")
def _reach(lab: Array, falls: float) -> float:  # pragma: no cover - compiled
    largest = 0.0
    for i in range(len(lab)):
        largest = overshoot(lab[i, 0], lab[i, 1], lab[i, 2], largest, falls)
    return largest


@njit(cache=True, nogil=True, error_model="numpy")
def _compress(lab: Array, reach: float, falls: float, out: Array) -> None:  # pragma: no cover - compiled
    for i in range(len(lab)):
        out[i, 0], out[i, 1], out[i, 2] = compressed(lab[i, 0], lab[i, 1], lab[i, 2], reach, falls)


def reach(lab: Array, *, keep_luminance: bool = False) -> float:
    """Return how far the farthest of colours (n, 3) CIELAB lies outside of sRGB, in chroma; 0 where all are inside.

    Of a picture in tiles it is the largest of the tiles'. keep_luminance: as `compress` has it.
    """
    return float(_reach(np.ascontiguousarray(lab, dtype=np.float64), 0.0 if keep_luminance else 1.0))


def compress(lab: Array, farthest: float | None = None, *, keep_luminance: bool = False) -> Array:
    """Bring colours into sRGB, hue and lightness kept; return them, (n, 3) float64 CIELAB.

    lab: (n, 3) CIELAB, finite. farthest: `reach` of the whole picture; None where lab is all of it, or stands for it.
    Along a ray of constant hue and lightness the order of chroma is kept, strictly up to farthest beyond sRGB.
    Lightness below 0 becomes 0 and above 100 becomes 100. Light colours from red to green may give up as much as 8 of
    it to keep their chroma (`fall`), so that what glows does not turn to pastel; with keep_luminance only the brightest
    yellows do, where sRGB has a hole.
    """
    lab = np.ascontiguousarray(lab, dtype=np.float64)
    out = np.empty_like(lab)
    falls = 0.0 if keep_luminance else 1.0
    _compress(lab, _reach(lab, falls) if farthest is None else farthest, falls, out)
    return out
