"""All published scores together: what they say, and that a total is the sum of its parts."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mappings.inputs import Finding
from fhir_mappings.snapshot import DiagnosisKind
from models.scores import ScoreResult, astral, dash, dragon, edema, gong, hat, published_scores, sedan, thrive
from models.scores.chart import glucose_mg_dl, glucose_mmol_l
from models.scores.result import to_one_decimal
from tests.models.inputs_builder import T0, finding, inputs
from tests.models.scores import patients
from tests.models.scores.patients import lab, patient, scans

NAMES = ["DASH", "EDEMA", "SEDAN", "HAT", "THRIVE", "ASTRAL", "DRAGON", "Gong linear predictor"]
RANGES = {"DASH": 4, "EDEMA": 14, "SEDAN": 6, "HAT": 5, "THRIVE": 9, "DRAGON": 10}
KINDS: tuple[DiagnosisKind, ...] = ("hypertension", "diabetes", "atrial_fibrillation", "stroke_history")


def read(**present: bool) -> list[Finding]:
    """Findings that are present or absent."""
    return [finding(name, "present" if here else "absent") for name, here in present.items()]


FULL = scans(
    ct=[*read(hyperdense_artery=True, cistern_effacement=True), finding("mca_infarct", grade="large"),
        finding("midline_shift", value=4.0)],
    mri=[*read(aca_infarct=True, susceptibility_sign=False), finding("aspects", value=3.0)],
)  # fmt: skip


def test_all_scores_are_shown_in_order_with_their_source():
    """Eight scores; a chart that holds everything computes them all."""
    found = published_scores(patient(treatments=patients.given()), FULL)
    assert NAMES == [one.name for one in found]
    assert [] == [one.missing for one in found if one.points is None]
    assert all(one.source for one in found)


def test_only_gong_is_about_end_and_says_that_it_ranks():
    """Every other score says that what it predicts is not END, whatever its total."""
    tables: list[Mapping[int, str]] = [dash.MEANS, edema.MEANS, sedan.MEANS, hat.MEANS, thrive.MEANS, dragon.MEANS]
    texts = [text for table in tables for text in table.values()]
    found = published_scores(patient(treatments=patients.given()), FULL)
    assert all("not END" in text for text in (*texts, *(one.means for one in found[:-1])))
    assert "ranking only" in found[-1].means


@pytest.mark.parametrize("chart", ["full", "empty"])
def test_a_score_is_one_line_that_a_card_does_not_cut(chart: str):
    """At most 160 characters, with everything missing too."""
    full = published_scores(patient(treatments=patients.given()), FULL)
    nothing = patient(None, None, None, crp=None, history=(), seen=frozenset(), last_known_well=None)
    lines = [one.text for one in (full if chart == "full" else published_scores(nothing, inputs()))]
    assert [] == [line for line in lines if len(line) > 160]


def test_an_empty_chart_computes_nothing_and_names_no_value():
    """Every score says what it lacks."""
    nothing = patient(None, None, None, crp=None, history=(), seen=frozenset(), last_known_well=None)
    found = published_scores(nothing, inputs())
    assert [None] * 8 == [one.points for one in found]
    assert all(one.missing and "not computable" in one.text for one in found)


def test_the_first_glucose_of_arrival_counts():
    """Neither a value of last year nor a later one."""
    values = (lab("glucose", 300, "mg/dL", -9000), lab("glucose", 100, "mg/dL"), lab("glucose", 200, "mg/dL", 5))
    assert 100 == glucose_mg_dl(patient(measurements=values))


@given(st.integers(10, 600))
def test_glucose_charted_in_mmol_comes_back_as_charted(tenths: int):
    """A conversion leaves no last digit that could cross a boundary of a table."""
    mg_dl = tenths / 10 * 18.016
    assert tenths / 10 == glucose_mmol_l(patient(measurements=(lab("glucose", mg_dl, "mg/dL"),)))


@pytest.mark.parametrize(("value", "printed"), [(8.0, 8.0), (8.04, 8.0), (8.05, 8.1), (7.35, 7.4), (12.05, 12.1)])
def test_a_table_of_one_decimal_reads_halves_up(value: float, printed: float):
    """Also where the binary number lies just below the half, as 7.35 does."""
    assert printed == to_one_decimal(value)


@st.composite
def strokes(draw: st.DrawFn) -> dict:
    """The inputs of all scores, drawn at random."""
    flags = ("dense", "early", "aca", "cisterns", "lysis", *KINDS, "antiplatelet")
    return {name: draw(st.booleans()) for name in flags} | {
        "nihss": draw(st.integers(0, 42)), "age": draw(st.integers(18, 105)),
        "glucose": draw(st.floats(30, 600)), "crp": draw(st.floats(0, 300)),
        "mrs": draw(st.integers(0, 5)), "wait_min": draw(st.integers(0, 600)),
        "aspects": draw(st.integers(0, 10)), "shift": draw(st.floats(0, 20)),
        "1a": draw(st.integers(0, 3)), "3": draw(st.integers(0, 3)),
    }  # fmt: skip


def scored(one: dict) -> dict[str, ScoreResult]:
    """The scores of drawn inputs, through a chart and reports."""
    chart = patient(
        one["nihss"], one["age"], one["glucose"], crp=one["crp"], items={"1a": one["1a"], "3": one["3"]},
        history=[kind for kind in KINDS if one[kind]], pre_stroke_mrs=patients.mrs(one["mrs"]),
        treatments=patients.given(1) if one["lysis"] else (),
        last_known_well=T0 - timedelta(minutes=one["wait_min"]),
    )  # fmt: skip
    ct = read(hyperdense_artery=one["dense"], early_ischemic_change=one["early"], cistern_effacement=one["cisterns"])
    mri = [*read(aca_infarct=one["aca"], susceptibility_sign=False), finding("aspects", value=float(one["aspects"]))]
    found = published_scores(chart, scans(ct=[*ct, finding("midline_shift", value=one["shift"])], mri=mri))
    return {score.name: score for score in found}


def parts(one: dict) -> dict[str, list[float]]:
    """The points of each row of each table for drawn inputs; the rows themselves have their own tests."""
    nihss, age, glucose, mmol = one["nihss"], one["age"], one["glucose"], round(one["glucose"] / 18.016, 6)
    dense, early, hours = int(one["dense"]), int(one["early"]), one["wait_min"] / 60
    return {
        "DASH": [dash.aspects_points(one["aspects"]), int(one["aca"]), dash.glucose_points(glucose)],
        "EDEMA": [edema.cistern_points(one["cisterns"]), edema.glucose_points(glucose), int(not one["lysis"]),
                  edema.shift_points(one["shift"]), int(not one["stroke_history"])],
        "SEDAN": [sedan.glucose_points(mmol), early, dense, sedan.age_points(age), sedan.nihss_points(nihss)],
        "HAT": [hat.nihss_points(nihss), int(one["diabetes"] or glucose > 200)],
        "THRIVE": [thrive.nihss_points(nihss), thrive.age_points(age), *(int(one[kind]) for kind in KINDS[:3])],
        "ASTRAL": [astral.age_points(age), nihss, astral.delay_points(hours), astral.visual_points(one["3"]),
                   astral.glucose_points(mmol), astral.consciousness_points(one["1a"])],
        "DRAGON": [dense, early, dragon.mrs_points(one["mrs"]), dragon.age_points(age), dragon.glucose_points(mmol),
                   dragon.delay_points(one["wait_min"] + 60), dragon.nihss_points(nihss)],
        "Gong linear predictor": [gong.linear_predictor(age, one["diabetes"], one["atrial_fibrillation"], 0,
                                                        one["crp"], nihss)],
    }  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(strokes())
def test_a_total_is_the_sum_of_its_parts_and_in_range(one: dict):
    """For every score and any inputs; scores of thrombolysis only where it was given, HAT where the extent is told."""
    found, expected = scored(one), parts(one)
    computed = {name for name, score in found.items() if score.points is not None}
    unknown = ({"HAT"} if one["early"] else set()) | (set() if one["lysis"] else {"SEDAN", "HAT", "DRAGON"})
    assert set(NAMES) - unknown == computed
    for name in computed:
        assert found[name].points == pytest.approx(sum(expected[name]))
        assert 0 <= found[name].points <= RANGES.get(name, float("inf"))  # type: ignore[operator]


def test_the_highest_totals_are_reached():
    """The highest rows add up to the published maximum; DASH reaches its 4 in its own example."""
    worst = {"dense": True, "early": False, "aca": True, "cisterns": True, "lysis": True, "nihss": 42, "age": 90,
             "glucose": 400, "crp": 5, "mrs": 5, "wait_min": 300, "aspects": 0, "shift": 12, "1a": 3, "3": 3,
             "antiplatelet": False, **dict.fromkeys(KINDS, True)}  # fmt: skip
    early = scored(worst | {"early": True})
    assert (6, 10, 9) == (early["SEDAN"].points, early["DRAGON"].points, early["THRIVE"].points)
    untreated = scored(worst | {"lysis": False, "stroke_history": False})
    assert 14 == untreated["EDEMA"].points
    assert 18 + 42 + 8 == untreated["ASTRAL"].points
    widespread = scans(ct=[finding("mca_infarct", grade="large")])
    assert 5 == hat.score(patient(42, treatments=patients.given()), widespread).points
