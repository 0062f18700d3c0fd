"""How things are said: lengths, escaping, and words that never stand on a card."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.cards.language import shipped, texts_of
from cds_service.cards.style import CardStyle
from cds_service.cards.wording import LONGEST_DETAIL, LONGEST_SUMMARY, percent, shortened
from tests import builders as b
from tests.cds_service.calls import card
from tests.fakes import FakePredictor

FORBIDDEN = re.compile(
    r"low risk|\bbecause\b|step.?down|discharge|less (?:frequent|monitoring)|safe to|reduce (?:checks|monitoring)|!",
    re.I,
)


def cards_of_all_kinds() -> list[dict]:
    """One card of most kinds."""
    occluded = b.report("Acute occlusion of the left M1 segment.")
    lysis = b.procedure("472191000119101", 1, "lysis")
    return [
        card(),
        card(predictor=FakePredictor(0.05, flagged=False), procedures=b.searchset(lysis)),
        card(hours=3, reports=b.searchset(occluded)),
        card(nihss=b.searchset(b.nihss(9, 1), b.nihss(14, 5))),
        card(nihss=b.searchset()),
        card(conditions=None),
        card(reports=b.searchset(b.report("Large acute left MCA territory infarct. ASPECTS 4."))),
    ]


def test_no_text_advises_less_care_or_claims_a_cause():
    """Every card and every suggestion is gone through."""
    texts = [text for one in cards_of_all_kinds() for text in (one["summary"], one["detail"])]
    texts += [text for _, text in texts_of(shipped("en"))]
    assert [] == [text for text in texts if FORBIDDEN.search(text)]


def test_cards_are_short_enough_for_ehrs():
    """Summary at most 139, detail under 1,500 characters."""
    for one in cards_of_all_kinds():
        assert LONGEST_SUMMARY >= len(one["summary"])
        assert LONGEST_DETAIL > len(one["detail"])


def test_a_chart_full_of_faults_still_gives_a_short_detail():
    """What is left out is counted."""
    bad = [b.observation("2345-7", 130, "stones", 1, f"bad{place}") for place in range(60)]
    detail = card(labs=b.searchset(*bad))["detail"]
    assert LONGEST_DETAIL > len(detail)
    assert "more notes on the data" in detail
    assert "Data as of" in detail


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=400))
def test_a_summary_fits_in_code_points_and_in_utf_16(text: str):
    """EHRs count either way."""
    short = shortened(text)
    assert LONGEST_SUMMARY >= max(len(short), len(short.encode("utf-16-le")) // 2)


@pytest.mark.parametrize(("value", "shown"), [(0.456, "46 %"), (0.001, "<1 %"), (0.999, ">99 %"), (0.5, "50 %")])
def test_a_risk_is_never_zero_or_certain(value: float, shown: str):
    """Percent, whole points."""
    assert shown == percent(value)


@pytest.mark.parametrize(("value", "shown"), [(214.4, "214"), (0.8, "0.8"), (6.0, "6"), (5.432, "5.43")])
def test_values_stand_as_clinicians_write_them(value: float, shown: str):
    """At most three significant digits."""
    assert shown == CardStyle().number(value)


def test_persistent_glucose_needs_two_values_two_hours_apart():
    """The suggestion quotes both values and its recommendation."""
    high = [b.observation("2345-7", value, "mg/dL", at, f"g{at}") for at, value in ((1, 201), (5, 214))]
    assert "Glucose 201 and 214 mg/dL, 4 h apart" in card(labs=b.searchset(*high))["detail"]
    assert "persistent" not in card(labs=b.searchset(high[0]))["detail"]


def test_thrombolysis_within_a_day_fires_its_schedule_and_later_does_not():
    """A chart fact fires it, never the model's state."""
    lysis = b.searchset(b.procedure("472191000119101", 1, "lysis"))
    assert "every 15 min for 2 h" in card(procedures=lysis)["detail"]
    assert "every 15 min" not in card(hours=30, procedures=lysis)["detail"]


def test_a_card_with_everything_to_say_keeps_its_length_and_its_last_line():
    """Every suggestion, every note: what is left out goes before the line that says of when the data are."""
    lysis = b.searchset(b.procedure("472191000119101", 1, "lysis"))
    high = [b.observation("2345-7", value, "mg/dL", at, f"g{at}") for at, value in ((1, 201), (5, 214))]
    bad = [b.observation("2345-7", 130, "stones", 1, f"bad{place}" + "x" * 50) for place in range(60)]
    large = b.report("Large acute left MCA territory infarct with " + "very " * 40 + "clear mass effect.")
    for nihss in (b.searchset(), b.searchset(*(b.nihss(9 + at, at) for at in range(6)))):
        detail = card(labs=b.searchset(*high, *bad), reports=b.searchset(large), procedures=lysis, nihss=nihss)[
            "detail"
        ]
        assert LONGEST_DETAIL > len(detail)
        assert "Stroke-unit care" in detail
        assert detail.splitlines()[-1].startswith("Data as of")
