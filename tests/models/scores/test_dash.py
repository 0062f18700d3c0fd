"""DASH: every row of its table, read from MRI reports of the first day."""

import pytest

from models.scores import dash
from tests.models.inputs_builder import finding
from tests.models.scores.patients import CT, MRI, patient, read, report, scans

POSITIVE = (
    "FINDINGS: DWI-ASPECTS 3. Susceptibility vessel sign in the right M1 segment. "
    "Restricted diffusion in the right ACA territory."
)
NEGATIVE = "FINDINGS: DWI-ASPECTS 8. No susceptibility vessel sign. No ACA infarct."


@pytest.mark.parametrize(("aspects", "points"), [(0, 1), (3, 1), (3.5, 0), (4, 0), (10, 0)])
def test_aspects_rows(aspects: float, points: int):
    """DWI-ASPECTS of 3 or less: 1."""
    assert points == dash.aspects_points(aspects)


@pytest.mark.parametrize(("mg_dl", "points"), [(144.9, 0), (145.0, 1), (300.0, 1)])
def test_glucose_rows(mg_dl: float, points: int):
    """From 145 mg/dL: 1."""
    assert points == dash.glucose_points(mg_dl)


@pytest.mark.parametrize(
    ("text", "points"),
    [
        (NEGATIVE, 0),
        (NEGATIVE.replace("ASPECTS 8", "ASPECTS 3"), 1),
        (NEGATIVE.replace("No ACA infarct", "Acute right ACA infarct"), 1),
        (NEGATIVE.replace("No susceptibility vessel sign", "Susceptibility vessel sign of the left M1"), 1),
        (POSITIVE, 3),
    ],
)
def test_each_sign_of_an_mri_report_is_a_point(text: str, points: int):
    """ASPECTS, ACA territory and M1 vessel sign, read from words."""
    made = report("MRI brain", 3, "mri", text)
    assert points == dash.score(patient(glucose=100, reports=(made,)), read(made)).points


@pytest.mark.parametrize(("total", "rate"), [(0, "9.1 %"), (1, "20.5 %"), (2, "63.0 %"), (3, "96.8 %"), (4, "96.8 %")])
def test_rates(total: int, rate: str):
    """The published rate of each total; 3 and 4 share one."""
    assert rate in dash.MEANS[total]


def test_by_hand():
    """DWI-ASPECTS 3 (1), ACA territory (1), vessel sign in M1 (1), glucose 150 mg/dL (1): 4, 96.8 %."""
    made = report("MRI brain", 3, "mri", POSITIVE)
    found = dash.score(patient(reports=(made,)), read(made))
    assert 4 == found.points
    assert "96.8 %" in found.means


@pytest.mark.parametrize(("title", "hours"), [("CT head", 3), ("MRI brain", 24)])
def test_its_imaging_is_an_mri_of_the_first_day(title: str, hours: float):
    """A CT's ASPECTS is another scale, and a scan 25 h after last known well shows the outcome."""
    made = report(title, hours, "mri", POSITIVE)
    found = dash.score(patient(reports=(made,)), read(made))
    assert ("DWI-ASPECTS", "ACA territory involvement", "M1 susceptibility vessel sign") == found.missing


def test_a_dense_artery_on_ct_is_no_vessel_sign():
    """The susceptibility sign is read on MRI; the CT's dense artery is another finding."""
    told = [finding("aspects", value=8.0), finding("aca_infarct", "absent")]
    found = dash.score(patient(), scans(ct=[finding("hyperdense_artery")], mri=told))
    assert ("M1 susceptibility vessel sign",) == found.missing


@pytest.mark.parametrize(
    ("said", "points"),
    [
        ("Blooming of the left M2 segment.", 0),
        ("Blooming of the left M2 segment; the M1 is patent.", 0),
        ("Susceptibility vessel sign of the left M1 and M2.", 1),
        ("Susceptibility vessel sign in the left MCA.", None),
    ],
)
def test_a_vessel_sign_counts_in_m1_only(said: str, points: int | None):
    """A sign elsewhere is none of M1; where the segment is not told the input is missing."""
    made = report("MRI brain", 3, "mri", NEGATIVE.replace("No susceptibility vessel sign.", said))
    assert points == dash.score(patient(glucose=100, reports=(made,)), read(made)).points


def test_the_lowest_aspects_of_this_scan_counts():
    """A value of an earlier scan that the report recalls is not this scan's."""
    told = [finding("aspects", value=7.0), finding("aspects", value=4.0), finding("aspects", "historical", value=2.0)]
    rest = [finding("aca_infarct", "absent"), finding("susceptibility_sign", "absent")]
    assert 0 == dash.score(patient(glucose=100, reports=(CT, MRI)), scans(mri=[*told, *rest])).points


def test_glucose_that_is_missing_is_named():
    """All of the MRI is known, the glucose is not."""
    made = report("MRI brain", 3, "mri", NEGATIVE)
    assert ("glucose",) == dash.score(patient(glucose=None, reports=(made,)), read(made)).missing


def test_a_scan_24_h_after_last_known_well_still_counts():
    """The boundary of the first day belongs to it."""
    made = report("MRI brain", 23, "mri", POSITIVE)
    assert 4 == dash.score(patient(reports=(made,)), read(made)).points
