"""Laboratory values and vital signs from Observations."""

import time
from typing import Any

import pytest

from fhir_mappings.observations import measurements_from
from fhir_mappings.reading import read_all
from fhir_mappings.snapshot import Issue, Measurement
from fhir_mappings.units import warm_up
from tests.builders import LOINC, PATIENT_ID, at, observation, when


def measured(*raws: dict[str, Any], live: bool = True) -> tuple[list[Measurement], list[Issue]]:
    """Measurements and issues of these raw Observations."""
    resources, unread = read_all(raws, PATIENT_ID)
    assert () == unread
    found, issues = measurements_from(resources, live=live)
    return list(found), list(issues)


def refusal(raw: dict[str, Any]) -> Issue:
    """The one issue of an Observation that gives no measurement."""
    found, issues = measured(raw)
    assert ([], 1) == (found, len(issues))
    return issues[0]


def quantity(raw: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The Observation with more members in its valueQuantity."""
    return {**raw, "valueQuantity": {**raw["valueQuantity"], **members}}


def without_value(**members: Any) -> dict[str, Any]:
    """A glucose that has these members instead of a value."""
    return observation("2345-7", None, hours=1) | members


def absent(code: str, system: str = "http://terminology.hl7.org/CodeSystem/data-absent-reason") -> dict[str, Any]:
    """A reason for a value's absence."""
    return {"coding": [{"system": system, "code": code}]}


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
    assert at(1) == measured(observation("8867-4", 80, "/min", hours=1), live=False)[0][0].available


def test_values_come_oldest_first() -> None:
    """Whatever the server's order, the series is a timeline."""
    found, _ = measured(*(observation("2345-7", 100 + h, "mg/dL", hours=h, id_=f"o{h}") for h in (3, 1, 2)))
    assert [101, 102, 103] == [one.value for one in found]


@pytest.mark.parametrize("code", ["85354-9", "55284-4"])
def test_a_blood_pressure_panel_counts_through_its_components(code: str) -> None:
    """Systolic and diastolic from components, and a mean pressure that is not ours passed over."""
    parts = (component("8480-6", 150), component("8462-4", 90), component("8478-0", 110))
    found, issues = measured(panel(*parts, code=code))
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
    [
        ("final", []),
        ("amended", []),
        ("corrected", []),
        ("preliminary", ["not-final"]),
        ("registered", ["not-final"]),
        ("unknown", ["not-final"]),
    ],
)
def test_an_early_value_is_used_with_a_word(status: str, said: list[str]) -> None:
    """Preliminary values count; the card says so."""
    found, issues = measured(observation("2345-7", 100, "mg/dL", status=status))
    assert (1, said) == (len(found), [one.code for one in issues])


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({}, "Glucose has no numeric value (Observation/o1)"),
        ({"valueQuantity": {"unit": "mg/dL"}}, "Glucose has no numeric value (Observation/o1)"),
        ({"valueString": "high"}, "Glucose has no numeric value (Observation/o1)"),
        ({"valueString": "1,234 mg/dL"}, "Glucose has no numeric value (Observation/o1)"),
        ({"valueCodeableConcept": {"text": "high"}}, "Glucose has no numeric value (Observation/o1)"),
        ({"valueBoolean": True}, "Glucose has no numeric value (Observation/o1)"),
        ({"valueRange": {"low": {"value": 90}}}, "Glucose is a range, which is not read (Observation/o1)"),
        ({"valueRatio": {"numerator": {"value": 1}}}, "Glucose is a ratio, which is not read (Observation/o1)"),
        (
            {"valueSampledData": {"origin": {"value": 0}, "period": 10, "dimensions": 1, "data": "1 2"}},
            "Glucose is a series of samples, which is not read (Observation/o1)",
        ),
        (
            {"interpretation": [{"coding": [{"code": "H"}]}]},
            "Glucose has no number, only an interpretation (Observation/o1)",
        ),
        ({"dataAbsentReason": absent("not-performed")}, "Glucose has no value: not performed (Observation/o1)"),
        ({"dataAbsentReason": absent("temp-unknown")}, "Glucose has no value: not known yet (Observation/o1)"),
        ({"dataAbsentReason": absent("error")}, "Glucose has no value: measured with an error (Observation/o1)"),
        ({"dataAbsentReason": absent("masked")}, "Glucose has no value: masked (Observation/o1)"),
        ({"dataAbsentReason": absent("error", "urn:lab")}, "Glucose has no value: marked absent (Observation/o1)"),
        ({"dataAbsentReason": {"text": "Jane said no"}}, "Glucose has no value: marked absent (Observation/o1)"),
    ],
)
def test_a_value_that_should_be_there_is_missing_aloud(members: dict[str, Any], said: str) -> None:
    """Absent, coded, textual and multiple values are said in plain words, and free text is not repeated."""
    issue = refusal(without_value(**members))
    assert ("malformed", "glucose", said) == (issue.code, issue.about, issue.text)


def test_a_value_beside_a_reason_for_its_absence_is_not_used() -> None:
    """A device that charts 100 and "error" contradicts itself."""
    issue = refusal(observation("2345-7", 100, "mg/dL") | {"dataAbsentReason": absent("error")})
    assert "contradictory" == issue.code


@pytest.mark.parametrize(
    ("code", "text", "value", "as_sent"),
    [
        ("2345-7", "134 mg/dL", 134, "134 mg/dL"),
        ("2345-7", " 134,5 mg/dl", 134.5, "134.5 mg/dl"),
        ("48065-7", "<0.27 ug/mL FEU", 0.27, "<0.27 ug/mL FEU"),
        ("6690-2", "9.1 10*9/L", 9.1, "9.1 10*9/L"),
        ("6301-6", "1.1", 1.1, "1.1"),
    ],
)
def test_a_value_written_as_text_is_read(code: str, text: str, value: float, as_sent: str) -> None:
    """The quirk for quantities as strings is on by default, and the wording stays."""
    found, _ = measured(observation(code, None) | {"valueString": text})
    assert [(value, as_sent)] == [(one.value, one.as_sent) for one in found]


def test_a_number_alone_has_no_unit_to_be_read_in() -> None:
    """A text, an integer and a Quantity without unit are alike: only an INR needs none."""
    for members in ({"valueString": "134"}, {"valueInteger": 134}, {"valueQuantity": {"value": 134}}):
        assert "Glucose left out (Observation/o1): no unit" == refusal(without_value(**members)).text
    for members in ({"valueString": "1"}, {"valueInteger": 1}, {"valueQuantity": {"value": 1}}):
        assert [1] == [one.value for one in measured(observation("6301-6", None) | members)[0]]


def test_a_blood_pressure_in_one_text_counts() -> None:
    """``120/80`` under a panel's code is two measurements; under another code it is no number."""
    found, issues = measured(observation("85354-9", None) | {"valueString": "120/80"})
    assert {"systolic_bp": 120, "diastolic_bp": 80} == {one.analyte: one.value for one in found}
    assert [] == issues
    assert "malformed" == refusal(observation("8480-6", None) | {"valueString": "120/80"}).code


@pytest.mark.parametrize(
    ("code", "value", "unit", "said"),
    [
        ("2345-7", 7.2, "mmol/L", "Glucose 7.2 mmol/L under a code for mass (Observation/o1): the unit is believed"),
        ("14749-6", 130, "mg/dL", "Glucose 130 mg/dL under a code for moles (Observation/o1): the unit is believed"),
        ("2160-0", 80, "umol/L", "Creatinine 80 umol/L under a code for mass (Observation/o1): the unit is believed"),
        ("4548-4", 53, "mmol/mol", "HbA1c 53 mmol/mol under a code for mass (Observation/o1): the unit is believed"),
    ],
)
def test_a_unit_of_another_kind_than_its_code_is_believed_and_said(
    code: str, value: float, unit: str, said: str
) -> None:
    """Hospitals keep one code for both; the range still refuses what the unit makes of it, where that is absurd."""
    found, issues = measured(observation(code, value, unit))
    assert (1, [("assumed", said)]) == (len(found), [(one.code, one.text) for one in issues])


@pytest.mark.parametrize(
    ("code", "display"),
    [
        ("2524-7", "Lactate [Moles/volume] in Serum or Plasma"),
        ("2524-7", "LDL cholesterol"),
        ("2532-0", "Lactate dehydrogenase"),
        ("14804-9", "CRP"),
        ("2524-7", "Glucose"),
    ],
)
def test_a_code_that_is_not_ours_is_never_taken_by_its_name(code: str, display: str) -> None:
    """A lactate is no LDL and an LDH is no CRP, whatever the display says."""
    assert ([], []) == measured(observation(code, 2.1, "mmol/L", display=display))


def test_a_number_without_end_ends() -> None:
    """An exponent of nine digits is said in a few characters, not written out."""
    issue = refusal(observation("2345-7", None) | {"valueQuantity": {"value": "1e999999999", "unit": "mg/dL"}})
    assert "Glucose 1E+999999999 mg/dL not plausible (Observation/o1)" == issue.text


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
        ("48065-7", "mg{FEU}/L", None, 0.5),
        ("48065-7", "ug/mL", "D-dimer, fibrinogen equivalent units", 0.5),
        ("30240-6", "ug/mL FEU", None, 0.5),
        ("30240-6", "ug/mL DDU", None, 1.0),
        ("7799-0", "ug/mL", "D-dimer FEU", 0.5),
    ],
)
def test_d_dimer_is_told_in_feu(code: str, unit: str, display: str | None, expected: float) -> None:
    """One DDU is two FEU; code, unit and display are read before the UCUM library."""
    found, issues = measured(observation(code, 0.5, unit, display=display))
    assert ([expected], []) == ([one.value for one in found], issues)


def test_250_in_ddu_is_the_limit_of_500_in_feu() -> None:
    """The laboratories' cut-off in both units: 250 ng/mL DDU is 0.5 mg/L FEU."""
    assert [0.5] == [one.value for one in measured(observation("48066-5", 250, "ng/mL DDU"))[0]]
    assert [0.5] == [one.value for one in measured(observation("48065-7", 500, "ng/mL FEU"))[0]]


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
    resources, _ = read_all(raws, PATIENT_ID)
    warm_up()
    measurements_from(resources, live=True)
    start = time.process_time()
    found, _ = measurements_from(resources, live=True)
    assert 200 == len(found)
    assert time.process_time() - start < 0.08
