"""Each quirk by its pair: what a server sends, and what the FHIR classes take."""

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fhir_mappings.quirks import (
    DEFAULT_QUIRKS,
    QUIRKS,
    Quirk,
    blanks_around_codes,
    empty_members,
    ids_with_underscore,
    mended,
    numbers_as_strings,
    offsets_without_colon,
    pressure_as_text,
    quantities_as_strings,
    quirks_named,
    secure_loinc_system,
    times_without_seconds,
)
from tests.builders import LOINC
from tests.fhir_mappings.fhir_shaped import resources


def coded(code: str, system: str = LOINC, **members: Any) -> dict[str, Any]:
    """The members of an Observation that matter here."""
    return {"resourceType": "Observation", "code": {"coding": [{"system": system, "code": code}]}, **members}


def part(code: str, value: int) -> dict[str, Any]:
    """A component in mmHg."""
    coding = {"system": LOINC, "code": code}
    return {"code": {"coding": [coding]}, "valueQuantity": {"value": value, "unit": "mmHg"}}


PRESSURE = [part("8480-6", 120), part("8462-4", 80)]

PAIRS: list[tuple[Quirk, dict[str, Any], dict[str, Any]]] = [
    (times_without_seconds, {"issued": "2026-01-03T10:00+01:00"}, {"issued": "2026-01-03T10:00:00+01:00"}),
    (times_without_seconds, {"issued": "2026-01-03T10:00Z"}, {"issued": "2026-01-03T10:00:00Z"}),
    (times_without_seconds, {"issued": "2026-01-03"}, {"issued": "2026-01-03"}),
    (offsets_without_colon, {"issued": "2026-01-03T10:00:00+0100"}, {"issued": "2026-01-03T10:00:00+01:00"}),
    (offsets_without_colon, {"issued": "2026-01-03T10:00:00.5-0530"}, {"issued": "2026-01-03T10:00:00.5-05:30"}),
    (offsets_without_colon, {"issued": "2026-01-03T10:00:00-05:00"}, {"issued": "2026-01-03T10:00:00-05:00"}),
    (blanks_around_codes, {"coding": [{"code": "8480-6 "}]}, {"coding": [{"code": "8480-6"}]}),
    (blanks_around_codes, {"valueString": " 12 "}, {"valueString": " 12 "}),
    (secure_loinc_system, {"system": "https://loinc.org"}, {"system": "http://loinc.org"}),
    (secure_loinc_system, {"system": "http://loinc.org/"}, {"system": "http://loinc.org"}),
    (secure_loinc_system, {"system": "http://loinc.org.example"}, {"system": "http://loinc.org.example"}),
    (ids_with_underscore, {"id": "lab_77"}, {"id": "lab-77"}),
    (ids_with_underscore, {"reference": "Encounter/e_1"}, {"reference": "Encounter/e-1"}),
    (
        ids_with_underscore,
        {"reference": "https://ehr.example/r_4/Encounter/e_1/_history/2"},
        {"reference": "https://ehr.example/r_4/Encounter/e-1/_history/2"},
    ),
    (ids_with_underscore, {"code": "my_code"}, {"code": "my_code"}),
    (empty_members, {"unit": "", "value": 0, "note": [], "code": None}, {"value": 0}),
    (empty_members, {"valueQuantity": {"unit": ""}, "active": False}, {"active": False}),
    (empty_members, {"note": [{"text": ""}, {"text": "x"}]}, {"note": [{"text": "x"}]}),
    (numbers_as_strings, {"valueQuantity": {"value": "5.4"}}, {"valueQuantity": {"value": 5.4}}),
    (numbers_as_strings, {"valueQuantity": {"value": " -5 "}}, {"valueQuantity": {"value": -5}}),
    (numbers_as_strings, {"valueQuantity": {"value": "5,4"}}, {"valueQuantity": {"value": 5.4}}),
    (numbers_as_strings, {"valueQuantity": {"value": "5,45"}}, {"valueQuantity": {"value": 5.45}}),
    (numbers_as_strings, {"valueQuantity": {"value": "1,234"}}, {"valueQuantity": {"value": "1,234"}}),
    (numbers_as_strings, {"valueQuantity": {"value": "1.234,5"}}, {"valueQuantity": {"value": "1.234,5"}}),
    (numbers_as_strings, {"valueQuantity": {"value": "high"}}, {"valueQuantity": {"value": "high"}}),
    (
        numbers_as_strings,
        {"valueQuantity": {"value": "<0.27", "unit": "mg/L"}},
        {"valueQuantity": {"value": 0.27, "comparator": "<", "unit": "mg/L"}},
    ),
    (
        numbers_as_strings,
        {"valueQuantity": {"value": "<0.27", "comparator": ">"}},
        {"valueQuantity": {"value": "<0.27", "comparator": ">"}},
    ),
    (numbers_as_strings, {"referenceRange": [{"low": {"value": "3"}}]}, {"referenceRange": [{"low": {"value": 3}}]}),
    (numbers_as_strings, {"valueInteger": "12"}, {"valueInteger": 12}),
    (numbers_as_strings, {"valueInteger": "7+X"}, {"valueInteger": "7+X"}),
    (numbers_as_strings, {"valueDecimal": "5.4"}, {"valueDecimal": 5.4}),
    (numbers_as_strings, {"valueDecimal": "5,4"}, {"valueDecimal": "5,4"}),
    (numbers_as_strings, {"identifier": [{"value": "123"}]}, {"identifier": [{"value": "123"}]}),
    (numbers_as_strings, {"valueString": "12"}, {"valueString": "12"}),
    (
        quantities_as_strings,
        coded("2345-7", valueString="5.4 mg/dL"),
        coded("2345-7", valueQuantity={"value": 5.4, "unit": "mg/dL"}),
    ),
    (
        quantities_as_strings,
        coded("48065-7", valueString="<0.27 ug/mL FEU"),
        coded("48065-7", valueQuantity={"comparator": "<", "value": 0.27, "unit": "ug/mL FEU"}),
    ),
    (
        quantities_as_strings,
        coded("6690-2", valueString="9,1 10*9/L"),
        coded("6690-2", valueQuantity={"value": 9.1, "unit": "10*9/L"}),
    ),
    (quantities_as_strings, coded("6301-6", valueString="1.1"), coded("6301-6", valueQuantity={"value": 1.1})),
    (
        quantities_as_strings,
        coded("GLU", "urn:lab", valueString="134mg/dl"),
        coded("GLU", "urn:lab", valueQuantity={"value": 134, "unit": "mg/dl"}),
    ),
    *(
        (quantities_as_strings, same, same)
        for same in (
            coded("72089-6", valueString="12"),
            coded("72089-6", valueString="7+X"),
            coded("70184-7", valueString="2 - Not alert"),
            coded("NIH", "urn:lab", valueString="12"),
            coded("NIH", "urn:lab", valueString="2 mm midline shift"),
            coded("SHIFT", "urn:lab", valueString="2 mm"),
            coded("18748-4", valueString="5 mg/dL"),
            coded("2345-7", valueString="1,234 mg/dL"),
            coded("2345-7", valueString="70-99 mg/dL"),
            coded("2345-7", valueString="high"),
            coded("2345-7", valueString="5.4", valueQuantity={"value": 6}),
            {"resourceType": "Procedure", "valueString": "5.4 mg/dL"},
        )
    ),
    (
        quantities_as_strings,
        coded(
            "85354-9",
            component=[{"code": {"coding": [{"system": LOINC, "code": "8480-6"}]}, "valueString": "120 mmHg"}],
        ),
        coded("85354-9", component=[part("8480-6", 120)]),
    ),
    (pressure_as_text, coded("85354-9", valueString="120/80"), coded("85354-9", component=PRESSURE)),
    (pressure_as_text, coded("55284-4", valueString="120 / 80 mm[Hg]"), coded("55284-4", component=PRESSURE)),
    *(
        (pressure_as_text, same, same)
        for same in (
            coded("85354-9", valueString="16/10.7 kPa"),
            coded("85354-9", valueString="120/80/100"),
            coded("8480-6", valueString="120/80"),
            coded("85354-9", "urn:lab", valueString="120/80"),
            coded("85354-9", valueString="120/80", component=PRESSURE),
        )
    ),
]


@pytest.mark.parametrize(("quirk", "sent", "read"), PAIRS)
def test_a_quirk_writes_what_was_sent_as_fhir_wants_it(
    quirk: Quirk, sent: dict[str, Any], read: dict[str, Any]
) -> None:
    """Each quirk turns what is sent into what is read, and leaves its look-alikes alone."""
    assert read == quirk(sent)


@pytest.mark.parametrize(("quirk", "sent", "read"), PAIRS)
def test_a_quirk_is_pure_and_settles_at_once(quirk: Quirk, sent: dict[str, Any], read: dict[str, Any]) -> None:
    """The resource that was sent stays as it was, and a second pass changes nothing."""
    before = copy.deepcopy(sent)
    assert read == quirk(quirk(sent))
    assert before == sent


def test_every_quirk_has_a_pair_and_is_on_by_default() -> None:
    """None of them changes what is said, so that none needs to be asked for."""
    assert {quirk for quirk, _, _ in PAIRS} == set(DEFAULT_QUIRKS) == set(QUIRKS.values())


def test_a_site_switches_quirks_by_name() -> None:
    """In the order of their names, and none is what it can be left with."""
    assert (empty_members, pressure_as_text) == quirks_named(["empty_members", "pressure_as_text"])
    assert () == quirks_named([])
    assert {"valueInteger": "12"} == mended({"valueInteger": "12"}, quirks_named(["empty_members"]))
    with pytest.raises(ValueError, match="'nonsense' is no quirk"):
        quirks_named(["empty_members", "nonsense"])


@pytest.mark.parametrize(("quirk", "sent", "read"), PAIRS)
def test_all_quirks_together_do_what_each_does_alone(quirk: Quirk, sent: dict[str, Any], read: dict[str, Any]) -> None:
    """One walk with all of them ends where the others take what one has mended."""
    others = tuple(one for one in DEFAULT_QUIRKS if one is not quirk)
    assert mended(read, others) == mended(sent, DEFAULT_QUIRKS)


def test_what_needs_no_mending_is_the_same_object() -> None:
    """Reading a chart copies nothing that is right already."""
    raw = coded("2345-7", valueQuantity={"value": 5, "unit": "mg/dL"}, issued="2026-01-03T10:00:00Z", id="o1")
    assert raw is mended(raw, DEFAULT_QUIRKS)


def test_quirks_work_together_on_one_time() -> None:
    """A time without seconds and without a colon in its offset needs both quirks."""
    assert {"issued": "2026-01-03T10:00:00+01:00"} == mended({"issued": "2026-01-03T10:00+0100"}, DEFAULT_QUIRKS)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["id", "code", "system", "unit", "reference", "x"]), _JSON, max_size=4))
def test_no_json_breaks_a_quirk_and_numbers_stay(raw: dict[str, Any]) -> None:
    """Whatever arrives, mending ends, and twice is the same as once."""
    once = mended(raw, DEFAULT_QUIRKS)
    assert once == mended(once, DEFAULT_QUIRKS)


@settings(suppress_health_check=list(HealthCheck), deadline=None)
@given(resources())
def test_mending_a_resource_is_pure_and_settles(raw: dict[str, Any]) -> None:
    """FHIR-shaped resources too: what was sent stays, and twice is the same as once."""
    before = json.dumps(raw)
    once = mended(raw, DEFAULT_QUIRKS)
    assert json.dumps(once) == json.dumps(mended(once, DEFAULT_QUIRKS))
    assert before == json.dumps(raw)


def test_a_resource_too_deep_to_be_true_is_left_as_it_is() -> None:
    """Nesting beyond any FHIR resource does not exhaust the stack."""
    raw: dict[str, Any] = {"id": "a_b"}
    for _ in range(300):
        raw = {"extension": raw}
    assert raw == mended(raw, DEFAULT_QUIRKS)
