"""Laboratory values and vital signs from Observations."""

import time
from typing import Any

import pytest

from fhir_mappings.observations import measurements_from
from fhir_mappings.reading import is_issue, read
from fhir_mappings.snapshot import Issue, Measurement
from fhir_mappings.units import warm_up
from fhir_mappings.windows import Kind
from tests.builders import LOINC, PATIENT_ID, at, observation, when


def measured(*raws: dict[str, Any], kind: Kind = "labs", live: bool = True) -> tuple[list[Measurement], list[Issue]]:
    """Measurements and issues of these raw Observations."""
    resources = [read(raw, PATIENT_ID) for raw in raws]
    assert not [one for one in resources if is_issue(one)]
    found, issues = measurements_from(resources, live=live, kind=kind)
    return list(found), list(issues)


def refusal(raw: dict[str, Any]) -> Issue:
    """The one issue of an Observation that gives no measurement."""
    found, issues = measured(raw)
    assert ([], 1) == (found, len(issues))
    return issues[0]


def quantity(raw: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The Observation with more members in its valueQuantity."""
    return {**raw, "valueQuantity": {**raw["valueQuantity"], **members}}


def panel(*components: dict[str, Any], code: str = "85354-9") -> dict[str, Any]:
    """A blood pressure panel."""
    return {**observation(code, None, hours=1, id_="bp"), "component": list(components)}


def component(code: str, value: float | None) -> dict[str, Any]:
    """One component in mmHg, or without a value because it was not obtained."""
    part: dict[str, Any] = {"code": {"coding": [{"system": LOINC, "code": code}]}}
    if value is None:
        return part | {"dataAbsentReason": {"text": "not obtained"}}
    return part | {"valueQuantity": {"value": value, "unit": "mmHg"}}


def test_a_value_keeps_its_source_times_and_wording() -> None:
    """A molar glucose is used in mg/dL and shown as it was sent."""
    found, issues = measured(observation("14749-6", 5.6, "mmol/L", hours=1, issued=2))
    assert [] == issues
    assert [("glucose", "mg/dL", at(1), at(2), "Observation/o1", "5.6 mmol/L")] == [
        (one.analyte, one.unit, one.effective, one.available, one.source, one.as_sent) for one in found
    ]
    assert 100.89 == pytest.approx(found[0].value, abs=0.01)


def test_the_lag_of_the_kind_counts_only_outside_a_live_call() -> None:
    """A lab without ``issued`` becomes available an hour later in training, a vital sign at once."""
    lab = observation("2345-7", 100, "mg/dL", hours=1)
    assert at(1) == measured(lab, live=True)[0][0].available
    assert at(2) == measured(lab, live=False)[0][0].available
    assert at(1) == measured(observation("8867-4", 80, "/min", hours=1), kind="vitals", live=False)[0][0].available


def test_values_come_oldest_first() -> None:
    """Whatever the server's order, the series is a timeline."""
    found, _ = measured(*(observation("2345-7", 100 + h, "mg/dL", hours=h, id_=f"o{h}") for h in (3, 1, 2)))
    assert [101, 102, 103] == [one.value for one in found]


@pytest.mark.parametrize("code", ["85354-9", "55284-4"])
def test_a_blood_pressure_panel_counts_through_its_components(code: str) -> None:
    """Systolic and diastolic from components, and a mean pressure that is not ours passed over."""
    parts = (component("8480-6", 150), component("8462-4", 90), component("8478-0", 110))
    found, issues = measured(panel(*parts, code=code), kind="vitals")
    assert {"systolic_bp": 150, "diastolic_bp": 90} == {one.analyte: one.value for one in found}
    assert [] == issues


def test_a_missing_half_of_a_panel_leaves_the_other() -> None:
    """An absent diastolic value is said; the systolic one is used."""
    found, issues = measured(panel(component("8480-6", 150), component("8462-4", None)))
    assert ["systolic_bp"] == [one.analyte for one in found]
    assert [("malformed", "diastolic_bp")] == [(one.code, one.about) for one in issues]


def test_a_single_systolic_value_counts_too() -> None:
    """Monitors send single codes."""
    assert [150] == [one.value for one in measured(observation("8480-6", 150, "mm[Hg]"))[0]]


def test_a_code_that_is_not_ours_is_passed_over_in_silence() -> None:
    """A chart holds thousands of other results; they are no fault."""
    foreign = observation("1234-5", 1, "mg/dL")
    local = observation("2345-7", 1, "mg/dL", system="urn:local")
    assert ([], []) == measured(foreign, local, {**foreign, "status": "entered-in-error"})


def test_a_limit_is_used_and_said() -> None:
    """``<0.27`` counts as 0.27, with a word on the card."""
    found, issues = measured(quantity(observation("48065-7", 0.27, "mg/L FEU"), comparator="<"))
    assert [(0.27, "<0.27 mg/L FEU")] == [(one.value, one.as_sent) for one in found]
    assert [("assumed", "d_dimer")] == [(one.code, one.about) for one in issues]


def test_an_invented_comparator_is_refused() -> None:
    """The library accepts any comparator; its meaning is not guessed."""
    assert "malformed" == refusal(quantity(observation("2345-7", 100, "mg/dL"), comparator="~")).code


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_a_withdrawn_value_is_not_used(status: str) -> None:
    """The card says that it was left out."""
    issue = refusal(observation("2345-7", 100, "mg/dL", status=status))
    assert ("not-final", f"Observation/o1 left out: {status}") == (issue.code, issue.text)


@pytest.mark.parametrize(
    ("status", "said"),
    [("final", []), ("amended", []), ("corrected", []), ("preliminary", ["not-final"]), ("unknown", ["not-final"])],
)
def test_an_early_value_is_used_with_a_word(status: str, said: list[str]) -> None:
    """Preliminary values count; the card says so."""
    found, issues = measured(observation("2345-7", 100, "mg/dL", status=status))
    assert (1, said) == (len(found), [one.code for one in issues])


@pytest.mark.parametrize(
    "change",
    [
        {"dataAbsentReason": {"text": "unknown"}, "valueQuantity": None},
        {"valueQuantity": None},
        {"valueQuantity": {"unit": "mg/dL"}},
        {"valueQuantity": None, "valueString": "high"},
    ],
)
def test_a_value_that_should_be_there_is_missing_aloud(change: dict[str, Any]) -> None:
    """Absent, null and textual values are said and never filled in."""
    assert ("malformed", "glucose") == (
        (issue := refusal({**observation("2345-7", 100, "mg/dL"), **change})).code,
        issue.about,
    )


def test_a_value_without_time_is_not_used() -> None:
    """A value of no moment can stand in no series."""
    raw = {key: value for key, value in observation("2345-7", 100, "mg/dL").items() if key != "effectiveDateTime"}
    assert "malformed" == refusal(raw).code
    found, issues = measured({**raw, "issued": when(2)})
    assert ([at(2)], ["assumed"]) == ([one.effective for one in found], [one.code for one in issues])


def test_a_missing_unit_is_not_guessed() -> None:
    """100 is 100 of something; only an INR needs no unit."""
    assert "unit-unknown" == refusal(observation("2345-7", 100)).code
    assert [1.1] == [one.value for one in measured(observation("6301-6", 1.1))[0]]


def test_an_implausible_value_is_shown_as_sent_and_not_used() -> None:
    """A glucose in the wrong unit is caught by its range."""
    issue = refusal(observation("2345-7", 5.6, "mg/dL"))
    assert ("implausible", "Glucose 5.6 mg/dL not plausible (Observation/o1)") == (issue.code, issue.text)


@pytest.mark.parametrize(
    ("code", "unit", "display", "expected"),
    [
        ("48065-7", "ug/mL", None, 0.5),
        ("48065-7", "ug/mL FEU", None, 0.5),
        ("71427-9", "mg/L{FEU}", None, 0.5),
        ("48066-5", "ug/mL", None, 1.0),
        ("48058-2", "ug/mL{DDU}", None, 1.0),
        ("30240-6", "ug/mL FEU", None, 0.5),
        ("30240-6", "ug/mL DDU", None, 1.0),
        ("7799-0", "ug/mL", "D-dimer FEU", 0.5),
    ],
)
def test_d_dimer_is_told_in_feu(code: str, unit: str, display: str | None, expected: float) -> None:
    """One DDU is two FEU; code, unit and display are read before the UCUM library."""
    found, issues = measured(observation(code, 0.5, unit, display=display))
    assert ([expected], []) == ([one.value for one in found], issues)


@pytest.mark.parametrize(
    ("code", "unit", "ucum", "display"),
    [
        ("48066-5", "mg/L FEU", None, None),
        ("48065-7", "ug/mL", "ug{DDU}/mL", None),
        ("48065-7", "ug/mL", None, "Fibrin D-dimer DDU"),
        ("48065-7", "ug/mL FEU", "ug{DDU}/mL", None),
        ("30240-6", "ug/mL", None, "Fibrin D-dimer [Mass/volume]"),
        ("7799-0", "mg/L", None, None),
    ],
)
def test_an_ambiguous_d_dimer_is_not_used(code: str, unit: str, ucum: str | None, display: str | None) -> None:
    """A silent factor of two is worse than a missing value."""
    assert ("unit-unknown", "d_dimer") == (
        (issue := refusal(observation(code, 0.5, unit, ucum=ucum, display=display))).code,
        issue.about,
    )


def test_two_hundred_observations_take_well_under_80_ms() -> None:
    """The warm path of a call: one registry, one conversion a unit."""
    codes = [("2345-7", 100, "mg/dL"), ("14749-6", 5.6, "mmol/L"), ("6690-2", 9100, "/uL"), ("48065-7", 1, "ug/mL")]
    raws = [observation(*codes[n % 4], hours=n / 10, id_=f"o{n}") for n in range(200)]
    resources = [read(raw, PATIENT_ID) for raw in raws]
    warm_up()
    measurements_from(resources, live=True, kind="labs")
    start = time.process_time()
    found, _ = measurements_from(resources, live=True, kind="labs")
    assert 200 == len(found)
    assert time.process_time() - start < 0.08
