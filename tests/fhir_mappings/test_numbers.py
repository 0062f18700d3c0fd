"""Points, millimeters and percentages, as reports write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.text.numbers import aspects, millimeters, percent


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("aspects 10", 10.0),
        ("aspects 7", 7.0),
        ("aspects = 0", 0.0),
        ("aspects score of 9/10", 9.0),
        ("aspects 8 / 10", 8.0),
        ("aspects 11", None),
        ("aspects 7.5", None),
        ("aspects 50%", None),
        ("aspects is reduced", None),
    ],
)
def test_aspects_are_whole_points_from_0_to_10(text: str, points: float | None):
    """Nothing beyond the scale, and no part of another number, is taken for points."""
    assert points == aspects(text)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("6 mm of shift", 6.0),
        ("6mm", 6.0),
        ("1.2 cm", 12.0),
        ("0.5 centimeters", 5.0),
        ("4.5 millimetres", 4.5),
        ("4 mm, formerly 9 mm", 4.0),
        ("shift of 4", None),
        ("no shift", None),
    ],
)
def test_lengths_are_in_millimeters(text: str, length: float | None):
    """Centimeters are converted, the first length counts, and a bare number is none."""
    assert length == pytest.approx(millimeters(text))


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("70 % stenosis", 70.0),
        ("70% stenosis", 70.0),
        ("90 percent stenosis", 90.0),
        ("<50 % stenosis", 50.0),
        ("> 70 % stenosis", 70.0),
        ("50-69 % stenosis", None),
        ("50 to 69 % stenosis", None),
        ("50%-69% stenosis", None),
        ("150 % stenosis", None),
        ("severe stenosis", None),
    ],
)
def test_percentages_are_single_numbers(text: str, share: float | None):
    """A bound gives its number, a range none, and nothing exceeds 100."""
    assert share == percent(text)


@given(st.floats(0, 99).map(lambda value: round(value, 1)))
def test_the_same_length_in_either_unit_is_one_length(length: float):
    """Millimeters and centimeters agree."""
    assert millimeters(f"{length:.1f} mm") == pytest.approx(millimeters(f"{length / 10:.2f} cm"))


@given(st.text(max_size=80))
def test_any_text_gives_a_bounded_number_or_none(text: str):
    """No text of a report breaks the reading or leaves the scales."""
    assert aspects(text) is None or 0 <= (aspects(text) or 0) <= 10
    assert percent(text) is None or 0 <= (percent(text) or 0) <= 100
    assert millimeters(text) is None or 0 <= (millimeters(text) or 0)
