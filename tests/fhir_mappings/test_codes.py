"""The code maps, row by row: they are where patients get hurt."""

from dataclasses import asdict
from math import isfinite

import pytest

from fhir_mappings.codes import (
    LOINC,
    VITALS,
    AnalyteCode,
    analyte_codes,
    analyte_for,
    analytes,
    lab_codes,
    loincs_for,
    nihss_codes,
    nihss_table,
    table,
)
from fhir_mappings.units import conversion, from_canonical, to_canonical
from tests.builders import NIHSS_ITEM_CODES

ROWS = sorted(analyte_codes().values(), key=lambda row: (row.analyte, row.order))


def check_digit(number: str) -> int:
    """The LOINC check digit (mod 10, Luhn) of the number before the hyphen."""
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(number))]
    return -sum(value // 10 + value % 10 for value in doubled) % 10


@pytest.mark.parametrize("code", [*analyte_codes(), *nihss_codes()])
def test_every_loinc_code_has_its_check_digit(code: str) -> None:
    """A mistyped code would silently ask for another analyte."""
    number, digit = code.split("-")
    assert int(digit) == check_digit(number)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.loinc)
def test_every_row_names_a_known_analyte_and_its_source(row: AnalyteCode) -> None:
    """No code without an analyte, a source, and for D-dimer its kind of unit."""
    assert row.analyte in analytes()
    assert row.source
    assert (row.dimer in {"FEU", "DDU", "unknown"}) == (row.analyte == "d_dimer")


PROPERTIES = {
    "MCnc": ("mg/dL", "g/L"),
    "SCnc": ("mmol/L", "umol/L"),
    "NCnc": ("10*9/L", "10*3/uL"),
    "MFr": ("%",),
    "SFr": ("mmol/mol",),
}
"""Units of each LOINC property that our codes have."""
BOTH_KINDS = ("glucose", "creatinine", "ldl", "hba1c")
"""Analytes that laboratories give by mass and by moles."""


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.loinc)
def test_every_row_takes_the_units_of_its_property(row: AnalyteCode) -> None:
    """A value in a unit of the code's own kind converts; a code that could be either says which it is."""
    analyte = analytes()[row.analyte]
    for unit in PROPERTIES[row.property] if row.property else (analyte.unit,):
        line = conversion(unit, None, analyte)
        assert line.molar == (row.property in {"SCnc", "SFr"})
    assert row.property or row.analyte not in BOTH_KINDS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.loinc)
def test_every_row_has_a_plausible_range_that_its_unit_can_reach(row: AnalyteCode) -> None:
    """The range is finite, above zero at its top, and goes through the unit of the code and back."""
    analyte = analytes()[row.analyte]
    unit = PROPERTIES[row.property][0] if row.property else analyte.unit
    for edge in analyte.plausible:
        assert isfinite(edge)
        assert edge == pytest.approx(to_canonical(from_canonical(edge, unit, analyte), unit, None, analyte))


def test_orders_of_an_analyte_start_at_one_without_gaps() -> None:
    """Preference is a strict order, so that two codes never tie by file order."""
    orders = {name: sorted(row.order for row in ROWS if row.analyte == name) for name in analytes()}
    assert {name: list(range(1, len(found) + 1)) for name, found in orders.items()} == orders


def test_no_code_is_listed_twice() -> None:
    """The map from code to analyte is a function: every line of the file is one row."""
    from fhir_mappings.codes import DATA

    lines = (DATA / "analytes.csv").read_text("utf-8").strip().splitlines()
    assert len(lines) - 1 == len(analyte_codes())


@pytest.mark.parametrize("name", list(analytes()))
def test_every_analyte_has_codes_a_range_and_a_unit_it_accepts(name: str) -> None:
    """The canonical unit converts to itself, and the plausible range is a range with a source."""
    analyte = analytes()[name]
    low, high = analyte.plausible
    assert low < high
    assert asdict(analyte)["source"]
    assert loincs_for([name])
    assert high == to_canonical(high, analyte.shown, analyte.unit, analyte)


@pytest.mark.parametrize(
    ("code", "analyte"),
    [("2345-7", "glucose"), ("15074-8", "glucose"), ("48066-5", "d_dimer"), ("8480-6", "systolic_bp")],
)
def test_a_code_names_its_analyte(code: str, analyte: str) -> None:
    """Codes as the reference gives them."""
    found = analyte_for([(LOINC, code)])
    assert found is not None
    assert analyte == found.analyte


def test_a_code_counts_only_in_its_system() -> None:
    """A local code that looks like LOINC is not LOINC; the panel is no analyte."""
    assert analyte_for([("urn:local", "2345-7"), (None, "2345-7"), (LOINC, None)]) is None
    assert analyte_for([(LOINC, "85354-9")]) is None


def test_the_first_known_coding_names_the_analyte() -> None:
    """Local translations beside the LOINC code are passed over."""
    found = analyte_for([("urn:local", "GLU"), (LOINC, "2345-7")])
    assert found is not None
    assert "2345-7" == found.loinc


def test_lab_codes_hold_no_vital_sign() -> None:
    """Labs and vital signs are two queries with two lags."""
    assert set(loincs_for(VITALS)).isdisjoint(lab_codes())
    assert set(analyte_codes()) == set(loincs_for(VITALS)) | set(lab_codes())


def test_preferred_codes_come_first() -> None:
    """Queries name the preferred codes first."""
    assert "2345-7" == loincs_for(["glucose"])[0]


def test_the_nihss_total_is_not_the_panel() -> None:
    """72089-6 is the total, 70182-1 the panel; mixing them up reads a panel as a score."""
    assert ("72089-6", "70182-1") == (nihss_table().total, nihss_table().panel)
    assert nihss_codes()[:2] == ("72089-6", "70182-1")


def test_the_scale_has_fifteen_items_that_sum_to_its_highest_total() -> None:
    """All items of the scale with the codes of the reference."""
    items = nihss_table().items
    assert NIHSS_ITEM_CODES == {name: item.loinc for name, item in items.items()}
    assert nihss_table().most == sum(item.most for item in items.values())
    assert ("5a", "5b", "6a", "6b") == nihss_table().motor


def test_untestable_answers_are_no_points() -> None:
    """LA18461-6 and LA18477-2 mean "not examined", never 0."""
    assert {"LA18461-6", "LA18477-2"} == nihss_table().untestable
    assert nihss_table().untestable.isdisjoint(nihss_table().answers)


def test_spellings_are_written_as_they_are_looked_up() -> None:
    """A spelling with a capital, a blank, a micro sign or a raised digit would never be found."""
    spellings = table("units.toml")["spellings"]
    assert [] == [text for text in spellings if text != text.lower() or set(text) & set(" µμ×⁹³")]
