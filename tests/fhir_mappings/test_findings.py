"""What sentences say: every finding present and absent, and the edges of the conventions."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.inputs import Finding, Section, Sentence
from fhir_mappings.text.findings import read_findings
from tests.builders import T0

DATA = Path(__file__).parents[3] / "shared/data/stroke-findings/findings.jsonl"


def read(text: str, section: Section = "findings") -> dict[str, Finding]:
    """The findings of one sentence by name."""
    found = read_findings([Sentence(text, section, "DiagnosticReport/r1", T0)])
    return {one.name: one for one in reversed(found)}  # of two of one name, one a side, the stronger stands first


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hyperdense_artery", "Hyperdense right MCA sign."),
        ("hyperdense_artery", "The left MCA appears hyperdense."),
        ("occlusion", "Occlusion of the proximal M1 segment of the right middle cerebral artery."),
        ("occlusion", "Abrupt cut-off of the left M2 branch."),
        ("early_ischemic_change", "Loss of grey-white differentiation in the left insula."),
        ("aspects", "ASPECTS 7."),
        ("mca_infarct", "Acute infarct in the left MCA territory."),
        ("watershed_infarct", "Internal watershed infarcts on the right."),
        ("hemorrhage", "Acute haemorrhage in the left thalamus."),
        ("hemorrhage", "Acute ICH with several chronic microbleeds."),
        ("mass_effect", "Mass effect with effacement of the left lateral ventricle."),
        ("midline_shift", "6 mm midline shift to the right."),
        ("collaterals", "Poor collaterals."),
        ("stenosis", "70 % stenosis of the right ICA."),
        ("old_infarct", "Old lacunar infarct in the basal ganglia."),
        ("leukoaraiosis", "Moderate small vessel ischemic change."),
        ("perfusion_mismatch", "Large perfusion mismatch in the left MCA territory."),
    ],
)
def test_findings_on_this_scan_are_present(name: str, text: str):
    """Each imaging finding in a plain statement."""
    assert "present" == read(text)[name].assertion


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hyperdense_artery", "No hyperdense artery."),
        ("occlusion", "No large vessel occlusion."),
        ("occlusion", "The intracranial arteries are patent."),
        ("occlusion", "Non-occlusive thrombus in the left M2."),
        ("early_ischemic_change", "Grey-white matter differentiation is preserved."),
        ("early_ischemic_change", "No early ischemic changes."),
        ("mca_infarct", "No acute infarct."),
        ("hemorrhage", "No evidence of intracranial hemorrhage."),
        ("hemorrhage", "No mass effect, midline shift or hemorrhage."),
        ("hemorrhage", "Intracranial hemorrhage is not seen."),
        ("mass_effect", "Without mass effect."),
        ("midline_shift", "The midline is central."),
        ("midline_shift", "No hemorrhage, mass effect or midline shift."),
        ("limb_weakness", "Power 5/5."),
        ("speech_disturbance", "Speech is clear."),
        ("visual_disturbance", "Vision is normal."),
    ],
)
def test_negated_findings_are_absent(name: str, text: str):
    """Negations, lists of them, and statements of normality."""
    assert "absent" == read(text)[name].assertion


@pytest.mark.parametrize(
    ("name", "assertion", "text", "section"),
    [
        ("hemorrhage", "uncertain", "Hemorrhage cannot be excluded.", "findings"),
        ("occlusion", "uncertain", "Suspected occlusion of the left M2.", "findings"),
        ("early_ischemic_change", "uncertain", "Possible early ischemic change in the left insula.", "findings"),
        ("hemorrhage", "asked", "?bleed", "history"),
        ("occlusion", "asked", "r/o LVO", "history"),
        ("old_infarct", "historical", "Previous stroke in 2019.", "history"),
        ("hemorrhage", "historical", "Scattered chronic microbleeds.", "findings"),
        ("hemorrhage", "absent", "Known chronic microbleeds, no acute hemorrhage.", "findings"),
        ("hemorrhage", "present", "No occlusion but there is hemorrhage.", "findings"),
        ("occlusion", "absent", "No evidence of large vessel occlusion but there is hemorrhage.", "findings"),
    ],
)
def test_hedges_questions_and_the_past_are_told_apart(name: str, assertion: str, text: str, section: Section):
    """Neither present nor absent, and negation that ends at "but"."""
    assert assertion == read(text, section)[name].assertion


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("unsteadiness", "Sudden unsteadiness."),
        ("gait_disturbance", "Difficulty walking since this morning."),
        ("gait_disturbance", "Unsteady gait."),
        ("unsteadiness", "Unsteady gait."),
        ("visual_disturbance", "Blurred vision."),
        ("limb_weakness", "Right arm weakness."),
        ("speech_disturbance", "Slurred speech."),
        ("facial_droop", "Left facial droop."),
        ("wake_up_onset", "Woke up with symptoms."),
    ],
)
def test_symptoms_are_read_from_the_history_line(name: str, text: str):
    """The paper's telling words come from the history."""
    assert "present" == read(text, "history")[name].assertion


@pytest.mark.parametrize(
    "text",
    [
        "Scalp hematoma.",
        "Retinal hemorrhage.",
        "Mother had a brain hemorrhage.",
        "Spinal canal stenosis.",
        "Aspects of the exam.",
    ],
)
def test_other_body_parts_and_people_are_nothing(text: str):
    """Conventions, edges: nothing."""
    assert {} == read(text)


@pytest.mark.parametrize(
    ("text", "name", "member", "value"),
    [
        ("Acute left M1 occlusion.", "occlusion", "site", "m1"),
        ("Acute left M1 occlusion.", "occlusion", "side", "left"),
        ("Occlusion of the right carotid terminus.", "occlusion", "site", "ica"),
        ("Basilar artery occlusion.", "occlusion", "site", "basilar"),
        ("ASPECTS score of 7/10.", "aspects", "value", 7.0),
        ("1.2 cm midline shift.", "midline_shift", "value", 12.0),
        (">70 % stenosis of the left ICA.", "stenosis", "value", 70.0),
        ("50-69 % stenosis of the left ICA.", "stenosis", "value", None),
        ("Large acute right MCA territory infarct.", "mca_infarct", "grade", "large"),
        ("Good collateral supply.", "collaterals", "grade", "good"),
    ],
)
def test_sites_sides_grades_and_numbers_are_read(text: str, name: str, member: str, value: object):
    """Only where the sentence says them."""
    assert value == getattr(read(text)[name], member)


@pytest.mark.parametrize(
    "text",
    ["Not a candidate for mechanical thrombectomy.", "Thrombectomy not indicated.", "Family declined thrombectomy.",
     "Decided against endovascular treatment.", "Patient is not a thrombectomy candidate."],
)  # fmt: skip
def test_decisions_against_thrombectomy_are_read(text: str):
    """A sentence in a report counts as a decision."""
    assert "present" == read(text)["thrombectomy_declined"].assertion


@settings(max_examples=200)
@given(st.text(max_size=300))
def test_any_text_is_read_without_an_exception(text: str):
    """Text of reports is untrusted."""
    assert all(one.sentence == 0 for one in read(text).values())


def test_real_findings_of_hemorrhage_are_read_as_present():
    """Eighteen real one-line findings (UCLH Stroke EIT dataset, CC BY 4.0)."""
    if not DATA.exists():
        pytest.skip("the shared data folder is not here")
    rows = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
    bleeds = [read(row["radiology_finding"]) for row in rows if row["type"] == "haemorrhage"]
    assert ["present"] * len(bleeds) == [found["hemorrhage"].assertion for found in bleeds]
