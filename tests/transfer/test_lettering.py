from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paletteot.transfer.lettering import font, legible, shortened, wrapped

WORDS = "epsilon of the transport, LAB units, and a verylongwordthatdoesnotfitanywhere"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("beach.jpg", "beach.jpg"),
        ("café über Ñandú", "cafe uber Nandu"),
        ("写真.png", "??.png"),
        ("a\n\tb\x00c\u202ed\ud800", "a b?c?d?"),
        ("ﬁne … ²", "fine ... 2"),
        ("", ""),
    ],
)
def test_what_the_font_has_no_letter_for_is_replaced(text, expected):
    assert legible(text) == expected


@given(st.text(max_size=60), st.integers(0, 400))
def test_any_text_fits_its_width_on_one_line(text, width):
    found = shortened(text, 17, width)
    assert font(17).getlength(found) <= width
    assert "\n" not in found


def test_a_name_is_cut_in_the_middle_and_only_where_it_must_be():
    name = "a very long name of a picture that was taken by somebody.jpeg"
    assert shortened(name, 17, 1000) == name
    cut = shortened(name, 17, 200)
    assert cut.startswith("a very long")
    assert cut.endswith(".jpeg")
    assert "…" in cut
    assert font(17).getlength(cut) > 170


@given(st.text(max_size=100), st.integers(20, 300), st.integers(1, 3))
def test_any_text_is_wrapped_into_the_lines_and_the_width(text, width, lines):
    found = wrapped(text, 17, width, lines).split("\n")
    assert len(found) <= lines
    assert all(font(17).getlength(line) <= width for line in found)


def test_no_word_is_lost_where_there_is_room():
    assert wrapped(WORDS, 17, 2000, 1) == WORDS
    found = wrapped(WORDS, 17, 420, 9)
    assert found.split() == WORDS.split()
    assert len(found.split("\n")) == 2
    assert "…" in wrapped(WORDS, 17, 160, 2)
