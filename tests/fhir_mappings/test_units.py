"""Units: what is sent, in the canonical unit, or a refusal that says why."""

import contextlib
import time
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.codes import analytes
from fhir_mappings.typed_units import is_typed_unit
from fhir_mappings.units import MOST_UNLISTED, ChartUnits, UnitError, dimer_kind, to_canonical, warm_up


def canonical(value: float, unit: str | None, name: str, ucum: str | None = None) -> float:
    """The value in the canonical unit of the analyte of this name."""
    return to_canonical(value, unit, ucum, analytes()[name])


@pytest.mark.parametrize(
    ("name", "value", "unit", "expected"),
    [
        ("systolic_bp", 150, "mm Hg", 150),
        ("systolic_bp", 150, "mmHg", 150),
        ("systolic_bp", 20, "kPa", 150.012),
        ("heart_rate", 80, "bpm", 80),
        ("heart_rate", 80, "{beats}/min", 80),
        ("heart_rate", 80, "beats/min", 80),
        ("temperature", 37.2, "°C", 37.2),
        ("temperature", 98.6, "°F", 37.0),
        ("temperature", 98.6, "[degF]", 37.0),
        ("temperature", 98.6, "F", 37.0),
        ("temperature", 98.6, "degF", 37.0),
        ("temperature", 98.6, "degrees F", 37.0),
        ("temperature", 310.15, "K", 37.0),
        ("spo2", 97, "%", 97),
        ("spo2", 97, "percent", 97),
        ("glucose", 180, "mg/dl", 180),
        ("glucose", 10, "mmol/L", 180.16),
        ("glucose", 1.8, "g/L", 180),
        ("creatinine", 88.4, "umol/L", 1.0),
        ("creatinine", 88.4, "µmol/L", 1.0),
        ("creatinine", 88.4, "μmol/L", 1.0),
        ("ldl", 2.586, "mmol/L", 100.0),
        ("hba1c", 53, "mmol/mol", 7.0),
        ("hba1c", 53, "mmol/mol{Hb}", 7.0),
        ("hba1c", 6.5, "% of total Hgb", 6.5),
        ("fibrinogen", 350, "mg/dL", 3.5),
        ("fibrinogen", 3.5, "g/L", 3.5),
        ("crp", 1.2, "mg/dL", 12),
        ("crp", 12000, "mcg/L", 12),
        ("crp", 12000, "µg/L", 12),
        ("crp", 12000, "μg/L", 12),
        ("fibrinogen", 300, "mg/100 mL", 3),
        ("crp", 0.3, "mg/(100.mL)", 3),
        ("crp", 0.3, "mg/(10.mL)", 30),
        ("crp", 3, "10.mg/L", 30),
        ("platelets", 25, "10.10*9/L", 250),
        ("wbc", 9.1, "K/uL", 9.1),
        ("wbc", 9.1, "x10^9/L", 9.1),
        ("wbc", 9.1, "10*3/uL", 9.1),
        ("wbc", 9.1, "Thousand/uL", 9.1),
        ("wbc", 9.1, "10E3/µL", 9.1),
        ("wbc", 9.1, "Gpt/l", 9.1),
        ("wbc", 9.1, "10^9/L", 9.1),
        ("wbc", 9.1, "10*9/L", 9.1),
        ("wbc", 9.1, "×10⁹/L", 9.1),
        ("wbc", 9.1, "x 10*9/L", 9.1),
        ("wbc", 9.1, "K/mcL", 9.1),
        ("wbc", 9.1, "10³/µL", 9.1),
        ("wbc", 9100, "/uL", 9.1),
        ("wbc", 9100, "cells/uL", 9.1),
        ("platelets", 250, "10*9/L", 250),
        ("d_dimer", 1.2, "ug/mL FEU", 1.2),
        ("d_dimer", 1.2, "mg/L{FEU}", 1.2),
        ("d_dimer", 1.2, "ug{FEU}/mL", 1.2),
        ("d_dimer", 500, "ng/mL FEU", 0.5),
        ("d_dimer", 0.5, "mg/L FEU", 0.5),
        ("d_dimer", 0.5, "mg{FEU}/L", 0.5),
        ("d_dimer", 0.5, "mcg{FEU}/mL", 0.5),
        ("d_dimer", 1200, "ng FEU/mL", 1.2),
        ("d_dimer", 1.2, "mcg/mL (FEU)", 1.2),
        ("inr", 1.1, None, 1.1),
        ("inr", 1.1, "", 1.1),
        ("inr", 1.1, "{INR}", 1.1),
        ("inr", 1.1, "{score}", 1.1),
        ("inr", 1.1, "1", 1.1),
        ("inr", 1.1, "ratio", 1.1),
    ],
)
def test_a_unit_is_converted(name: str, value: float, unit: str | None, expected: float) -> None:
    """What people type and what UCUM says, by hand-worked pairs."""
    assert expected == pytest.approx(canonical(value, unit, name), rel=2e-3)


@pytest.mark.parametrize(
    ("name", "unit", "ucum", "why"),
    [
        ("glucose", None, None, "no unit"),
        ("glucose", "", " ", "no unit"),
        ("glucose", "units", None, "not known"),
        ("glucose", "mm[Hg]", None, "does not fit"),
        ("glucose", "mg/dL", "mL/min", "does not fit"),
        ("fibrinogen", "umol/L", None, "does not fit"),
        ("crp", "nmol/L", None, "does not fit"),
        ("wbc", "G/L", None, "does not fit"),
        ("inr", "%", None, "does not fit"),
        ("inr", "s", None, "does not fit"),
        ("hba1c", "mol/mol", None, "does not fit"),
        ("d_dimer", "[arb'U]/mL", None, "does not fit"),
        ("glucose", "m" * 5000, None, "not known"),
        ("wbc", "10*9999999999999999999/L", None, "not known"),
        ("wbc", "10*400/L", None, "does not fit"),
        ("wbc", "10*-400/L", None, "does not fit"),
        ("temperature", "1/[degF]", None, "not known"),
    ],
)
def test_a_unit_that_cannot_be_used_says_why(name: str, unit: str | None, ucum: str | None, why: str) -> None:
    """A prothrombin time in percent is no INR, G/L is grams, nothing is guessed, and no power takes hours."""
    with pytest.raises(UnitError, match=why):
        canonical(10, unit, name, ucum)


@pytest.mark.parametrize(
    ("name", "unit", "ucum"),
    [
        ("glucose", "mmol/L", "mg/dL"),
        ("creatinine", "mg/dL", "umol/L"),
        ("wbc", "K/uL", "/uL"),
        ("crp", "mg/L", "mg/dL"),
    ],
)
def test_a_contradictory_unit_is_refused(name: str, unit: str, ucum: str) -> None:
    """Where code and text mean different units, neither is trusted."""
    with pytest.raises(UnitError, match="contradicts"):
        canonical(10, unit, name, ucum)


def test_a_local_unit_code_beside_a_good_text_is_passed_over() -> None:
    """Many charts put a number of their own into ``code``."""
    assert 100 == canonical(100, "mg/dL", "glucose", ucum="UNIT-77")


def test_code_and_text_that_agree_in_other_words_are_used() -> None:
    """``K/uL`` beside ``10*3/uL`` is no contradiction."""
    assert 9.1 == pytest.approx(canonical(9.1, "K/uL", "wbc", ucum="10*3/uL"))


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("mg/L FEU", "FEU"),
        ("ug{FEU}/mL", "FEU"),
        ("ng/mL{DDU}", "DDU"),
        ("mg/LFEU", "FEU"),
        ("ng/mL_DDU", "DDU"),
        ("Fibrin D-dimer FEU [Mass/volume] in Platelet poor plasma", "FEU"),
        ("D-dimer, fibrinogen equivalent units", "FEU"),
        ("Fibrin D-dimer [Units/volume]", None),
        ("mg/L", None),
        (None, None),
    ],
)
def test_feu_and_ddu_are_read_from_text(text: str | None, kind: str | None) -> None:
    """The UCUM library drops annotations: a silent factor of two."""
    assert kind == dimer_kind(text)


def test_feu_beside_ddu_is_refused() -> None:
    """Two kinds in the texts of one value leave no safe reading."""
    with pytest.raises(UnitError, match="both"):
        dimer_kind("mg/L FEU", "D-dimer DDU")


@pytest.mark.parametrize(
    ("text", "typed"),
    [("mg/dL", True), ("mm Hg", True), ("ug/mL FEU", True), ("%", True), ("mm", False), ("days", False), ("1", False)],
)
def test_a_unit_that_people_type_for_a_measurement_is_told_from_other_words(text: str, typed: bool) -> None:
    """A shift of 2 mm and 3 days are no measurements of ours."""
    assert typed == is_typed_unit(text)


@given(
    st.floats(0, 1e4), st.sampled_from([("glucose", "mmol/L"), ("wbc", "/uL"), ("hba1c", "mmol/mol"), ("ldl", "g/L")])
)
def test_conversions_keep_the_order_of_values(value: float, pair: tuple[str, str]) -> None:
    """A higher value in one unit is a higher value in the other."""
    name, unit = pair
    assert canonical(value, unit, name) <= canonical(value + 1, unit, name)


@given(st.text(max_size=45))
def test_any_text_is_a_unit_or_a_refusal(text: str) -> None:
    """Nothing that stands in ``unit`` raises anything else."""
    with contextlib.suppress(UnitError):
        assert isinstance(canonical(1.0, text, "glucose"), float)


def once_known(meet: Callable[[int], None], times: int) -> float:
    """Seconds of CPU that so many more take after the first."""
    meet(1)
    start = time.process_time()
    meet(times)
    return time.process_time() - start


def test_a_unit_met_before_costs_nothing() -> None:
    """Known or not, a unit is worked out once: 2,000 more take well under 80 ms of CPU."""
    warm_up()

    def meet(times: int) -> None:
        for _ in range(times):
            canonical(10, "mmol/L", "glucose")
            with contextlib.suppress(UnitError):
                canonical(10, "nonsense", "glucose")

    assert once_known(meet, 1000) < 0.08


def test_a_misfit_met_before_costs_nothing() -> None:
    """A unit of something else is worked out once, too."""
    warm_up()

    def meet(times: int) -> None:
        for _ in range(times):
            with pytest.raises(UnitError, match="does not fit"):
                canonical(10, "mL/min/kg", "glucose")

    assert once_known(meet, 500) < 0.08


def test_no_long_text_is_kept() -> None:
    """A megabyte beside a good code is passed over, and gone when the call is."""
    tracemalloc.start()
    try:
        for number in range(20):
            assert 100 == canonical(100, f"{number}" * 500_000, "glucose", ucum="mg/dL")
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("text", ["9", "1.5", "10", "-3", "{{x}}"])
def test_a_number_alone_is_no_unit(text: str) -> None:
    """The library takes it for one."""
    with pytest.raises(UnitError, match=r"not known|does not fit"):
        canonical(100, text, "glucose")


def test_a_chart_has_its_share_of_unlisted_units_and_any_number_of_listed_ones() -> None:
    """What is over it says so; a unit met in this chart is read again, and another chart has a share of its own."""
    glucose = analytes()["glucose"]
    units, other = ChartUnits(), ChartUnits()
    for number in range(MOST_UNLISTED):
        units.conversion(f"{number + 1}.mg/dL", None, glucose)
    with pytest.raises(UnitError, match=f'unit "777.mg/dL" is one of more than {MOST_UNLISTED} that are not listed'):
        units.conversion("777.mg/dL", None, glucose)
    assert 3 == units.conversion("3.mg/dL", None, glucose).factor
    assert 777 == other.conversion("777.mg/dL", None, glucose).factor
    assert 18.016 == pytest.approx(units.conversion("mmol/L", "mmol/L", glucose).factor)
    with pytest.raises(UnitError, match="not known"):
        units.conversion("mg.m.m.m.m/m/m/m/m/dL", None, glucose)
