"""The columns: which findings count, which values are logged, what is missing."""

import math

import pytest

from models.design import (
    Design,
    FindingTerm,
    Modality,
    design_as_json,
    design_from,
    finding_columns,
    join_findings,
    modalities_from,
    numbers_of,
    stacked,
)
from tests.models.inputs_builder import finding, inputs, sentence

DESIGN = Design(
    ("age", "glucose", "d_dimer"), ("Age", "Glucose", "D-dimer"), frozenset({"glucose"}), frozenset(),
    (
        FindingTerm("proximal", "proximal occlusion", "occlusion", "present", sites=("ica", "m1")),
        FindingTerm("low_aspects", "ASPECTS 7 or less", "aspects", "present", at_most=7),
        FindingTerm("poor", "poor collaterals", "collaterals", "present", grades=("poor",)),
        FindingTerm("tight", "stenosis", "stenosis", "present", at_least=70),
    ),
    (Modality("laboratory", "laboratory values", ("glucose", "d_dimer")),),
)  # fmt: skip


def test_a_finding_once_present_stays_present():
    """The strongest assertion of a name wins; the others of that name are dropped."""
    held = [finding("occlusion", "absent", 0), finding("occlusion", "present", 1), finding("aspects", "uncertain", 2)]
    assert [("occlusion", "present"), ("aspects", "uncertain")] == [(f.name, f.assertion) for f in join_findings(held)]


@pytest.mark.parametrize(
    ("more", "fired"),
    [
        ({"name": "occlusion", "site": "m1"}, [1, 0, 0, 0]),
        ({"name": "occlusion", "site": "m2"}, [0, 0, 0, 0]),
        ({"name": "occlusion"}, [0, 0, 0, 0]),
        ({"name": "aspects", "value": 7.0}, [0, 1, 0, 0]),
        ({"name": "aspects", "value": 8.0}, [0, 0, 0, 0]),
        ({"name": "aspects"}, [0, 0, 0, 0]),
        ({"name": "collaterals", "grade": "poor"}, [0, 0, 1, 0]),
        ({"name": "collaterals", "grade": "good"}, [0, 0, 0, 0]),
        ({"name": "stenosis", "value": 70.0}, [0, 0, 0, 1]),
        ({"name": "stenosis", "value": 69.0}, [0, 0, 0, 0]),
        ({"name": "stenosis", "assertion": "absent", "value": 90.0}, [0, 0, 0, 0]),
    ],
)
def test_a_term_fires_within_its_narrowing(more: dict[str, object], fired: list[int]):
    """Site, grade and value bounds decide; what is not said fires nothing."""
    name = str(more.pop("name"))
    row = inputs(sentences=[sentence("Text.")], findings=[finding(name, **more)])  # type: ignore[arg-type]
    assert [*fired, 0] == numbers_of(row, DESIGN).findings.tolist()


def test_values_are_logged_where_the_design_says():
    """Glucose is read as log(1 + value), age as it is, a missing value as 0 with its mask."""
    numbers = numbers_of(inputs(), DESIGN)
    assert [70.0, pytest.approx(math.log(111), abs=1e-5), 0.0] == numbers.values.tolist()
    assert [1, 1, 0] == numbers.observed.tolist()


def test_no_report_is_a_column():
    """The last finding column is 1 exactly where there was no sentence."""
    assert 1 == numbers_of(inputs(), DESIGN).findings[-1]
    assert 0 == numbers_of(inputs(sentences=[sentence("Text.")]), DESIGN).findings[-1]


def test_a_design_survives_its_json():
    """Written and read back, it is the same design."""
    assert DESIGN == design_from(design_as_json(DESIGN))


def test_inputs_without_a_feature_of_the_design_are_refused():
    """The message names the feature."""
    odd = Design(("shoe_size",), ("Shoe size",), frozenset(), frozenset(), ())
    with pytest.raises(ValueError, match="shoe_size"):
        numbers_of(inputs(), odd)


def test_a_modality_knows_its_features():
    """One row a modality, 1 where the feature belongs to it; none at all is an empty matrix of the right width."""
    assert [[0.0, 1.0, 1.0]] == DESIGN.members.tolist()
    bare = Design(DESIGN.features, DESIGN.labels, DESIGN.log, DESIGN.flags, DESIGN.terms)
    assert (0, 3) == bare.members.shape


def test_a_modality_of_an_unknown_feature_is_refused():
    """The message names it."""
    row = {"id": "x", "label": "X", "features": ["age", "shoe_size"]}
    with pytest.raises(ValueError, match="shoe_size"):
        modalities_from([row], DESIGN.features)


def test_finding_columns_are_those_of_the_row():
    """The same columns, whether asked for with the numbers or alone."""
    row = inputs(
        sentences=[sentence("Text.")], findings=[finding("occlusion", site="m1"), finding("aspects", value=5.0)]
    )
    columns = finding_columns(row.findings, DESIGN, has_report=True)
    assert [1, 1, 0, 0, 0] == columns.tolist() == numbers_of(row, DESIGN).findings.tolist()
    assert [0, 0, 0, 0, 1] == finding_columns((), DESIGN, has_report=False).tolist()


def test_rows_are_stacked_in_order():
    """Three matrices of one row each."""
    rows = [numbers_of(inputs(values={"age": age}), DESIGN) for age in (50.0, 60.0)]
    values, observed, findings = stacked(rows)
    assert [50.0, 60.0] == values[:, 0].tolist()
    assert ((2, 3), (2, 3), (2, 5)) == (values.shape, observed.shape, findings.shape)
