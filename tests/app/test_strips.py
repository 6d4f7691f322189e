"""Palettes as strips, and the picture of a plan."""

from __future__ import annotations

import re

import numpy as np

from paletteot.app import studio
from paletteot.app.pairs import PAIRS
from paletteot.app.strips import strip
from paletteot.palettes import Palette
from paletteot.transfer.options import Options


def test_a_strip_has_the_colours_that_can_be_seen_as_wide_as_their_shares():
    palette = Palette(np.array([[0.0, 0, 0], [100, 0, 0], [50, 60, 40]]), np.array([0.0009, 0.75, 0.2491]), 0.0, 3)
    said = strip(palette, "<b>&\"x'.png")
    assert re.findall(r"flex:([\d.]+);background:(#\w+)", said)[0] == ("750.00", "#ffffff")
    assert said.count("<span") == 2
    assert "<b>" not in said
    assert 'aria-label="Palette of &lt;b&gt;&amp;&quot;x&#x27;.png: 3 colours"' in said


def test_the_plan_is_drawn_between_both_palettes_on_a_clear_ground():
    drawn = np.asarray(studio.flow(*PAIRS[0].files, Options(k=32)))
    assert drawn.shape[2] == 4
    assert (drawn[0, :, 3] == 255).all()
    assert (drawn[-1, :, 3] == 255).all()
    assert drawn[0, :, 2].mean() > drawn[0, :, 0].mean()  # the rocket's sky is blue
    assert drawn[-1, :, 0].mean() > drawn[-1, :, 2].mean()  # the coffee's table is not
    opacity = drawn[100:-100, :, 3]
    assert opacity.max() > 200
    assert opacity.min() == 0
