"""To the canonical unit and back, for each analyte's usual units, against factors worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.codes import Analyte, AnalyteCode, analyte_codes, analytes, table
from fhir_mappings.observations import measurements_from
from fhir_mappings.reading import read_all
from fhir_mappings.snapshot import Issue, Measurement
from fhir_mappings.units import UnitError, from_canonical, to_canonical
from tests.builders import UCUM, observation

USUAL: dict[str, tuple[tuple[str, float, float], ...]] = {
    "systolic_bp": (("mm[Hg]", 1, 0), ("mmHg", 1, 0), ("kPa", 1 / 0.133322, 0)),
    "diastolic_bp": (("mm[Hg]", 1, 0), ("kPa", 1 / 0.133322, 0)),
    "heart_rate": (("/min", 1, 0), ("bpm", 1, 0), ("{beats}/min", 1, 0)),
    "temperature": (("Cel", 1, 0), ("[degF]", 5 / 9, -160 / 9), ("K", 1, -273.15)),
    "spo2": (("%", 1, 0),),
    "glucose": (("mg/dL", 1, 0), ("mmol/L", 18.016, 0), ("g/L", 100, 0)),
    "d_dimer": (("mg/L{FEU}", 1, 0), ("ug/mL FEU", 1, 0), ("ng/mL{FEU}", 1e-3, 0), ("ug/L{FEU}", 1e-3, 0)),
    "fibrinogen": (("g/L", 1, 0), ("mg/dL", 1e-2, 0)),
    "crp": (("mg/L", 1, 0), ("mg/dL", 10, 0)),
    "wbc": (("10*9/L", 1, 0), ("10*3/uL", 1, 0), ("K/uL", 1, 0), ("/uL", 1e-3, 0)),
    "neutrophils": (("10*9/L", 1, 0), ("10*3/uL", 1, 0)),
    "lymphocytes": (("10*9/L", 1, 0), ("10*3/uL", 1, 0)),
    "platelets": (("10*9/L", 1, 0), ("10*3/uL", 1, 0), ("/uL", 1e-3, 0)),
    "creatinine": (("mg/dL", 1, 0), ("umol/L", 0.011312, 0)),
    "ldl": (("mg/dL", 1, 0), ("mmol/L", 38.665, 0)),
    "hba1c": (("%", 1, 0), ("mmol/mol", 0.09148, 2.152)),
    "inr": (("1", 1, 0), ("{INR}", 1, 0)),
}
"""Canonical = factor x value + offset."""

TRIPS = [(name, *row) for name, units in USUAL.items() for row in units]


def accepts(name: str, unit: str) -> bool:
    """True where the analyte takes values in this unit."""
    try:
        to_canonical(1.0, unit, None, analytes()[name])
    except UnitError:
        return False
    return True


UNLISTED = {unit for _, unit, _, _ in TRIPS} - set(table("units.toml")["spellings"])
ACCEPTED = [
    (name, unit) for name in USUAL for unit in (*table("units.toml")["spellings"], *UNLISTED) if accepts(name, unit)
]


def test_every_measured_analyte_has_its_usual_units_here() -> None:
    """A new analyte needs a line in the table above."""
    assert set(analytes()) - {"pre_stroke_mrs"} == set(USUAL)


@pytest.mark.parametrize(("name", "unit", "factor", "offset"), TRIPS, ids=lambda part: str(part)[:16])
def test_each_usual_unit_has_the_factor_of_the_books(name: str, unit: str, factor: float, offset: float) -> None:
    """Worked by hand, to a part in a thousand: molar masses differ in the last digit."""
    assert factor * 50 + offset == pytest.approx(to_canonical(50, unit, None, analytes()[name]), rel=1e-3)


@given(st.sampled_from(ACCEPTED), st.floats(1e-3, 1e6))
def test_to_canonical_and_back_is_the_same_value(unit_of: tuple[str, str], value: float) -> None:
    """Within 1e-9 of the value, for each analyte and each unit that it accepts."""
    name, unit = unit_of
    analyte = analytes()[name]
    assert value == pytest.approx(from_canonical(to_canonical(value, unit, None, analyte), unit, analyte), rel=1e-9)


def test_every_spelling_is_a_unit_of_some_analyte() -> None:
    """A spelling that no analyte takes would be a line that nobody needs."""
    assert set(table("units.toml")["spellings"]) == {unit for _, unit in ACCEPTED} - UNLISTED


@pytest.mark.parametrize(
    ("name", "canonical", "unit", "value"),
    [
        ("glucose", 100, "mmol/L", 5.55),
        ("creatinine", 1.0, "umol/L", 88.4),
        ("ldl", 100, "mmol/L", 2.586),
        ("hba1c", 7.0, "mmol/mol", 53),
        ("fibrinogen", 3, "mg/dL", 300),
        ("crp", 10, "mg/dL", 1),
        ("d_dimer", 0.5, "ng/mL FEU", 500),
        ("temperature", 37, "F", 98.6),
    ],
)
def test_both_ways_agree_with_the_books(name: str, canonical: float, unit: str, value: float) -> None:
    """Worked by hand, forth and back."""
    analyte = analytes()[name]
    assert canonical == pytest.approx(to_canonical(value, unit, None, analyte), rel=1e-3)
    assert value == pytest.approx(from_canonical(canonical, unit, analyte), rel=1e-3)


@given(st.sampled_from(TRIPS), st.floats(0.01, 1e4))
def test_text_and_code_convert_alike(trip: tuple[str, str, float, float], value: float) -> None:
    """A unit means the same in ``unit``, in ``code`` and in both."""
    name, unit, _, _ = trip
    analyte = analytes()[name]
    both = to_canonical(value, unit, unit, analyte)
    assert both == to_canonical(value, unit, None, analyte) == to_canonical(value, None, unit, analyte)


def d_dimer(code: AnalyteCode, unit: str) -> tuple[tuple[Measurement, ...], tuple[Issue, ...]]:
    """A D-dimer of 2 in that unit under that code."""
    raw = observation(code.loinc, 2, unit, 1)
    raw["valueQuantity"]["system"] = UCUM
    return measurements_from(read_all([raw], "p1")[0], live=True)


DIMERS = [row for row in analyte_codes().values() if row.analyte == "d_dimer"]


@pytest.mark.parametrize("code", DIMERS, ids=lambda row: row.loinc)
@pytest.mark.parametrize("said", ["FEU", "DDU", None])
def test_each_d_dimer_code_with_each_wording_is_doubled_refused_or_taken(code: AnalyteCode, said: str | None) -> None:
    """Code and unit agree or one is silent: FEU as it is, DDU doubled. Neither or both: left out aloud."""
    found, issues = d_dimer(code, f"mg/L {said}" if said else "mg/L")
    kinds = {kind for kind in (said, code.dimer) if kind in ("FEU", "DDU")}
    if len(kinds) != 1:
        assert ((), ["unit-unknown"]) == (found, [issue.code for issue in issues])
    else:
        assert [4.0 if kinds == {"DDU"} else 2.0] == [one.value for one in found]


HEALTHY = {
    "systolic_bp": 130, "diastolic_bp": 80, "heart_rate": 75, "temperature": 37, "spo2": 97, "glucose": 100,
    "d_dimer": 0.4, "fibrinogen": 3, "crp": 3, "wbc": 7, "neutrophils": 4.5, "lymphocytes": 2, "platelets": 250,
    "creatinine": 0.9, "ldl": 110, "hba1c": 5.5, "inr": 1,
}  # fmt: skip
EXTREME = {
    "systolic_bp": (60, 260), "diastolic_bp": (30, 150), "heart_rate": (30, 200), "temperature": (33, 41),
    "spo2": (70, 100), "glucose": (30, 800), "d_dimer": (0.1, 30), "fibrinogen": (0.8, 9), "crp": (0.2, 400),
    "wbc": (1, 60), "neutrophils": (0.5, 50), "lymphocytes": (0.2, 20), "platelets": (20, 900),
    "creatinine": (0.3, 12), "ldl": (20, 350), "hba1c": (4, 16), "inr": (0.8, 8),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_a_plausible_range_holds_the_sick_and_refuses_a_factor_of_a_thousand(name: str) -> None:
    """Values seen in stroke units pass; a healthy value in a unit a thousand times smaller does not."""
    analyte: Analyte = analytes()[name]
    low, high = analyte.plausible
    assert low <= EXTREME[name][0] < HEALTHY[name] <= EXTREME[name][1] <= high
    assert HEALTHY[name] * 1000 > high
