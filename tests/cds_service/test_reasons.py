"""Reasons and facts of a card: what is added up, what is left out, and what a reader needs beside it."""

from dataclasses import replace
from math import inf
from typing import Any

import pytest

from cds_service.cards.language import shipped
from cds_service.cards.notes import notes_on_data
from cds_service.conclude import Conclusion
from fhir_mappings.chart import RawChart
from fhir_mappings.inputs import ModelInputs
from fhir_mappings.pipeline import snapshot_from
from fhir_mappings.snapshot import Issue
from models.prediction import Contribution, NotComputed, Prediction
from tests import builders as b
from tests.cds_service.calls import card
from tests.fakes import FakePredictor

OCCLUDED = "Acute occlusion of the left M1 segment."
DECLINED = "Not a candidate for thrombectomy: pre-stroke dependence."


class Given(FakePredictor):
    """A model whose contributions are given."""

    def __init__(self, *contributions: Contribution) -> None:
        super().__init__()
        self.given = contributions

    def predict(self, inputs: ModelInputs, until: float = inf) -> Prediction | NotComputed:
        """The one risk, with them."""
        answer = super().predict(inputs, until)
        return replace(answer, contributions=self.given) if isinstance(answer, Prediction) else answer


def of(feature: str, points: float, *, missing: bool = False, label: str = "") -> Contribution:
    """A contribution under its own name."""
    return Contribution(feature, label or feature, points, f"source of {feature.replace('_', ' ')}", missing=missing)


def lines(*contributions: Contribution, **changed: Any) -> list[str]:
    """The reasons on the card."""
    detail = card(predictor=Given(*contributions), **changed)["detail"]
    return [line for line in detail.splitlines() if line.startswith(("- higher", "- lower"))]


def test_what_the_nihss_scores_contribute_is_one_reason_with_both_scores():
    """The change is the difference of the two: alone, an unchanged score would read as a reason."""
    parts = of("nihss_change", 0.09), of("nihss_latest", -0.02), of("nihss_baseline", 0.01), of("age", -0.05)
    found = lines(*parts, nihss=b.searchset(b.nihss(9, 1), b.nihss(9, 4)))
    assert "- higher: NIHSS 9 (Mon 12:00), at arrival 9 (source of nihss baseline)" == found[0]
    assert 2 == len(found)


def test_one_examination_is_told_as_the_arrival_s():
    """There is no second score to set beside it."""
    label = {"label": "NIHSS at arrival"}
    (line,) = lines(of("nihss_baseline", 0.1, **label), of("nihss_change", 0.01), nihss=b.searchset(b.nihss(9, 1)))
    assert "- higher: NIHSS at arrival 9 (Mon 09:00) (source of nihss baseline)" == line


def test_groups_stand_by_the_size_of_their_sum():
    """Parts that cancel are no reason at all."""
    parts = of("nihss_change", 0.09), of("nihss_latest", -0.09), of("age", 0.05), of("female", -0.06)
    assert ["female:", "age"] == [line.split()[2] for line in lines(*parts)]


def test_what_is_missing_is_one_reason():
    """Which inputs they are stands in the section on the data; groups of inputs do not count as inputs."""
    gone = [of(name, 0.02, missing=True) for name in ("crp", "ldl", "laboratory")]
    assert ["- higher: 2 inputs not charted (source of crp)"] == lines(*gone)
    assert ["- lower: 1 input not charted (source of ldl)"] == lines(of("ldl", -0.02, missing=True))


def test_what_hardly_moves_the_risk_is_no_reason():
    """Half a percentage point and more is told; without any reason there is no heading."""
    assert ["- higher: age 70 years (source of age)"] == lines(of("age", 0.005), of("female", -0.0049))
    assert "associated" not in card(predictor=Given(of("age", 0.004)))["detail"]


def test_reasons_say_what_they_are_compared_with():
    """They add up to the difference from it."""
    assert "(compared with a patient of average values: 25 %)" in card()["detail"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"reports": b.searchset(b.report(f"{OCCLUDED} {DECLINED}"))},
            f'decision against thrombectomy read: "{DECLINED}"',
        ),
        (
            {
                "procedures": b.searchset(b.procedure("397046001", status="not-done")),
                "reports": b.searchset(b.report(OCCLUDED)),
            },
            "thrombectomy charted as not done (Procedure/",
        ),
    ],
    ids=["read", "charted"],
)  # fmt: skip
def test_what_decided_against_thrombectomy_is_shown(changed: dict, said: str):
    """It alone keeps a number on the card, so that a misread one has to be seen."""
    assert f"Occlusion read in report; {said}" in card(hours=3, **changed)["detail"]


def test_a_decision_without_an_early_occlusion_is_not_told():
    """It decided nothing on this card."""
    assert "Occlusion read" not in card(hours=3, reports=b.searchset(b.report(DECLINED)))["detail"]


def test_the_change_is_from_the_baseline_however_long_the_series():
    """The rule counts from there, not from the oldest score that is shown."""
    series = [(8, 1), *((10, hour) for hour in range(7, 13))]
    detail = card(hours=13, nihss=b.searchset(*(b.nihss(total, at) for total, at in series)))["detail"]
    assert "NIHSS 8 (Mon 09:00), 10 (Mon 17:00), 10 (Mon 18:00)" in detail
    assert "change since baseline +2" in detail


def test_a_score_that_is_no_baseline_says_why():
    """From before arrival it is no part of the change."""
    ems = b.nihss(14, -0.5) | {"note": [{"text": "EMS score"}]}
    series = b.searchset(ems, b.nihss(9, 1), b.nihss(9, 4))
    detail = card(nihss=series, reports=b.searchset(b.report("Acute hemorrhage in the left thalamus.")))["detail"]
    assert "14 (Mon 07:30, prehospital), 9 (Mon 09:00)" in detail
    assert "unchanged since baseline" in detail


def test_a_contradiction_quotes_no_guideline_for_ischemic_stroke():
    """Which of the two it is remains open; repeated checks rest on neither."""
    one = card(reports=b.searchset(b.report("Acute hemorrhage in the left thalamus.")))
    assert "AHA/ASA" not in one["detail"]
    assert "- Repeat NIHSS and neurological checks per local stroke-unit protocol" in one["detail"]


def test_after_thrombolysis_the_card_says_when_it_was():
    """The intervals count from there."""
    lysis = b.searchset(b.procedure("472191000119101", 1, "lysis"))
    assert "After thrombolysis (Mon 09:00):" in card(procedures=lysis)["detail"]


def test_what_lacks_for_one_reason_is_one_note():
    """The reason takes the room, and a card has little; what lacks for another reason stands apart."""
    part = b.searchset(b.observation("2345-7", 130, "mg/dL", 1, "g1"), next_url="https://fhir.example/next")
    detail = card(labs=part, vitals=part, reports=None, medications={"resourceType": "Basic"})["detail"]
    assert "Labs, vitals may be incomplete: more exists, and no fhirServer was given." in detail
    assert "Medications unknown: no fhirServer was given." in detail


def test_what_lacks_is_named_where_its_reason_has_no_room():
    """Other notes are counted."""
    said = (
        "labs unknown: late",
        "vitals may be incomplete: 12 of 40 pages",
        "reports partly unknown: 403",
        "odd unit",
        "x",
    )
    snapshot = replace(snapshot_from(RawChart("p1"), b.at(6)), issues=tuple(Issue("incomplete", one) for one in said))
    text = notes_on_data(snapshot, Conclusion("eligibility-unknown", "", ""), shipped("en"), 0) or ""
    assert "Labs unknown: late." in text
    assert text.endswith("Also not all read: vitals, reports. And 2 more notes on the data.")
