"""Reasons: they add up, they point to their sentence, and each says where its effect comes from."""

from dataclasses import replace

import pytest
import torch

from fhir_mappings.inputs import Finding
from models.calibrate import Recalibration, remaining_risk
from models.design import Design, FindingTerm, Modality
from models.explain import EffectSources, contributions, risk_points
from tests.models.inputs_builder import finding, inputs, sentence

SPAN = torch.tensor([6.0, 168.0])
STAGE = Recalibration((1.0, 24.0), (0.2, 0.4), (0.9, 0.8), "made-up rows", 1, 1)
LOGITS = torch.tensor([-2.0, -2.5, -3.0, -3.5, -4.0])
DESIGN = Design(
    features=("age", "glucose"),
    labels=("Age", "Glucose"),
    log=frozenset({"glucose"}),
    flags=frozenset(),
    terms=(FindingTerm("hyperdense_artery", "hyperdense artery", "hyperdense_artery", "present"),),
    modalities=(Modality("laboratory", "laboratory values", ("glucose",)),),
)
OTHERWISE = "correlated in the simulation"
NONE = EffectSources(OTHERWISE, {})
ORDER = ("age", "glucose", "hyperdense_artery", "no_report", "laboratory", "report_text")


def risk(logits: torch.Tensor) -> float:
    """The remaining risk at hour 6, recalibrated."""
    return float(remaining_risk(logits, SPAN[0], SPAN[1], (STAGE,)))


@pytest.mark.parametrize("terms", [[0.5, 0.3], [0.9, -0.4], [-1.5, 0.2], [0.02, -0.019]])
def test_points_add_up_to_the_difference(terms: list[float]):
    """Whatever the terms, their points sum to risk - reference."""
    moved, reference = risk(LOGITS + sum(terms)), risk(LOGITS)
    points = risk_points(torch.tensor(terms), LOGITS, risk)
    assert moved - reference == pytest.approx(sum(points), abs=1e-6)


def test_points_keep_sign_and_proportion():
    """A term twice as large in log-odds has twice the points; opposite ones keep opposite signs."""
    points = risk_points(torch.tensor([0.8, 0.4, -0.2]), LOGITS, risk)
    assert points[0] == pytest.approx(2 * points[1])
    assert points[2] < 0 < points[1]


def test_terms_that_cancel_still_have_points():
    """Where the sum is nothing, the slope at the reference scales the terms and they cancel."""
    points = risk_points(torch.tensor([0.5, -0.5]), LOGITS, risk)
    assert points[0] > 0.01
    assert 0 == pytest.approx(sum(points))


def test_a_reason_names_its_source_and_its_sentence():
    """Known effects carry their source, the others the simulation; a finding points to its sentence."""
    row = inputs(
        sentences=[sentence("Normal."), sentence("Dense MCA.")], findings=[finding("hyperdense_artery", place=1)]
    )
    sources = EffectSources(OTHERWISE, {"hyperdense_artery": "Seners 2015"})
    found = contributions([0.01, 0.02, 0.05, 0.0, 0.04, -0.03], row, row.findings, DESIGN, sources)
    named = {one.feature: one for one in found}
    assert ("Seners 2015", 1) == (named["hyperdense_artery"].source, named["hyperdense_artery"].sentence)
    assert OTHERWISE == named["age"].source
    assert "report text (embedding)" == named["report_text"].label


def test_what_is_missing_has_no_effect_of_its_own_and_is_marked():
    """A weight of what was not charted is none that a study found, and a card may tell it apart."""
    sources = EffectSources(OTHERWISE, {"glucose": "B 2002", "age": "A 2001"})
    gone = inputs(values={"glucose": None})
    named = {one.feature: one for one in contributions([0.0] * 6, gone, (), DESIGN, sources)}
    assert ("A 2001", False) == (named["age"].source, named["age"].missing)
    assert (OTHERWISE, True) == (named["glucose"].source, named["glucose"].missing)
    assert (True, False) == (named["laboratory"].missing, named["hyperdense_artery"].missing)


def test_the_largest_reason_stands_first():
    """Contributions are ordered by size, whatever their sign."""
    found = contributions([0.01, 0.02, 0.05, 0.0, 0.04, -0.3], inputs(), (), DESIGN, NONE)
    assert ["report_text", "hyperdense_artery", "laboratory", "glucose"] == [one.feature for one in found[:4]]


def test_each_number_stands_under_its_own_name():
    """In the order of the network's terms: features, findings, no report, modalities, text."""
    found = contributions([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], inputs(), (), DESIGN, NONE)
    assert dict(zip(ORDER, (1.0, 2.0, 3.0, 4.0, 5.0, 6.0), strict=True)) == {
        one.feature: one.risk_points for one in found
    }


def test_a_modality_is_named_by_what_is_there_of_it():
    """All of it missing is said; one value of it is enough."""
    there, gone = inputs(values={"glucose": 110.0}), inputs(values={"glucose": None})
    labels = [
        {one.feature: one.label for one in contributions([0.0] * 6, row, (), DESIGN, NONE)}["laboratory"]
        for row in (there, gone)
    ]
    assert ["laboratory values", "laboratory values: none charted"] == labels


def test_a_finding_that_the_reader_adds_has_its_sentence():
    """The joined findings count, not those of the rules alone."""
    row = inputs(sentences=[sentence("Bright M1."), sentence("Normal.")])
    joined = [finding("hyperdense_artery", place=0)]
    named = {one.feature: one for one in contributions([0.0] * 6, row, joined, DESIGN, NONE)}
    assert (0, "hyperdense artery") == (named["hyperdense_artery"].sentence, named["hyperdense_artery"].label)
    assert "a report was read" == named["no_report"].label


def test_what_was_not_observed_says_so():
    """A contribution of a missing value or finding is labeled as such."""
    row = inputs(values={"glucose": None})
    labels = {one.feature: one.label for one in contributions([0.0] * 6, row, (), DESIGN, NONE)}
    assert "Glucose: not charted" == labels["glucose"]
    assert "hyperdense artery sign: not mentioned" == labels["hyperdense_artery"]
    assert "no report" == labels["no_report"]


SEVERAL = replace(
    DESIGN,
    terms=(
        FindingTerm("occlusion", "vessel occlusion", "occlusion", "present"),
        FindingTerm("proximal_occlusion", "occlusion of ICA, tandem or M1", "occlusion", "present", sites=("m1",)),
        FindingTerm("occlusion_absent", "vessel occlusion stated absent", "occlusion", "absent"),
    ),
)


@pytest.mark.parametrize(
    ("read", "label", "source"),
    [
        ([finding("occlusion", site="m2")], "vessel occlusion", "A 2001"),
        ([finding("occlusion", site="m1")], "occlusion of ICA, tandem or M1", "B 2002"),
        ([finding("occlusion", "absent")], "vessel occlusion stated absent", OTHERWISE),
        ([finding("occlusion", "historical")], "arterial occlusion, historical", OTHERWISE),
        ([], "arterial occlusion: not mentioned", OTHERWISE),
    ],
)
def test_all_terms_of_a_finding_are_one_reason(read: list[Finding], label: str, source: str):
    """It adds up over the terms and is told in the words of what was read, by the narrowest term."""
    row = inputs(sentences=[sentence("Some words on a vessel.")])
    sources = EffectSources(OTHERWISE, {"occlusion": "A 2001", "proximal_occlusion": "B 2002"})
    points = [0.0, 0.0, 0.3, 0.2, -0.1, 0.0, 0.0, 0.0]
    named = {one.feature: one for one in contributions(points, row, read, SEVERAL, sources)}
    assert (label, source) == (named["occlusion"].label, named["occlusion"].source)
    assert named["occlusion"].risk_points == pytest.approx(0.4)
    assert (0 if read else None) == named["occlusion"].sentence
