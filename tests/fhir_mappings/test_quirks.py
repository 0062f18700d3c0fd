"""Each quirk by its pair: what a server sends, and what the FHIR classes take."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.quirks import (
    DEFAULT_QUIRKS,
    Quirk,
    blanks_around_codes,
    empty_members,
    ids_with_underscore,
    mended,
    offsets_without_colon,
    secure_loinc_system,
    times_without_seconds,
)

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


def test_every_quirk_here_is_on_by_default() -> None:
    """A quirk with a pair but outside the default set would mend nothing."""
    assert {quirk for quirk, _, _ in PAIRS} == set(DEFAULT_QUIRKS)


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


def test_a_resource_too_deep_to_be_true_is_left_as_it_is() -> None:
    """Nesting beyond any FHIR resource does not exhaust the stack."""
    raw: dict[str, Any] = {"id": "a_b"}
    for _ in range(300):
        raw = {"extension": raw}
    assert raw == mended(raw, DEFAULT_QUIRKS)
