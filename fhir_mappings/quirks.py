"""What servers send that the FHIR classes refuse or nobody reads, mended by name before reading.

Each quirk is a pure function from a resource to a mended one, which shares what was not changed; it
changes how a thing is written, never what it says. All are on by default: each leaves alone
whatever is right already, and whatever could be read in two ways.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from fhir_mappings.codes import LOINC, analyte_codes, nihss_codes
from fhir_mappings.json_walk import GONE, Change, Changes, walked
from fhir_mappings.snapshot import Raw
from fhir_mappings.typed_units import is_typed_unit

Quirk = Callable[[Raw], Raw]

_NO_SECONDS = re.compile(r"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})(Z|[+-]\d{2}:?\d{2})?$")
_OFFSET = re.compile(r"^(\d{4}-\d{2}-\d{2}T[\d:.]+[+-]\d{2})(\d{2})$")
_REFERENCE = re.compile(r"((?:^|/)[A-Z][A-Za-z]+/)([A-Za-z0-9._-]+)(/_history/.*)?$")
_LOINC_SYSTEM = re.compile(r"https?://(www\.)?loinc\.org/?", re.IGNORECASE)
_TRIMMED = frozenset({"code", "system", "unit", "id"})
_TOUCHED = _TRIMMED | {"reference", "valueInteger", "valueDecimal"}
"""Members whose texts a quirk may change; of all others only times and empty ones."""

_NUMBER = r"-?[0-9]{1,12}(?:\.[0-9]{1,12}|,[0-9]{1,2})?"
"""A comma with one or two digits behind it is decimal; with three it may part thousands, and stays unread."""
_LIMITED = re.compile(rf"\s*+(<=|>=|<|>)?\s*+({_NUMBER})\s*")
_PLAIN = re.compile(r"\s*(-?[0-9]{1,12}(?:\.[0-9]{1,12})?)\s*")
_UNIT = r"(?:[A-Za-zµμ°%{\[]|/[A-Za-zµμ])[^<>=]{0,39}|(?<=\s)10[*^][^<>=]{1,37}"
_WITH_UNIT = re.compile(rf"\s*+(<=|>=|<|>)?\s*+({_NUMBER})(?:\s*({_UNIT}))?")
_PRESSURE = re.compile(r"\s*([0-9]{2,3})\s*/\s*([0-9]{2,3})\s*+(?:mm\s?\[?hg\]?)?\s*", re.IGNORECASE)
_PRESSURE_CODES = frozenset({"55284-4", "85354-9"})
_QUANTITIES = frozenset({"low", "high", "numerator", "denominator"})


def _by(raw: Raw, texts: tuple[Change, ...] = (), values: tuple[Change, ...] = ()) -> Raw:
    new = walked(raw, Changes(texts, values, _TOUCHED)) if texts or values else raw
    return {} if new is GONE else new


def times_without_seconds(raw: Raw) -> Raw:
    """``2026-01-03T10:00+01:00`` -> ``2026-01-03T10:00:00+01:00``."""
    return _by(raw, texts=(_seconds,))


def _seconds(_: str, text: str) -> str:
    found = _NO_SECONDS.match(text) if text[10:11] == "T" else None
    return f"{found[1]}:00{found[2] or ''}" if found else text


def offsets_without_colon(raw: Raw) -> Raw:
    """``2026-01-03T10:00:00+0100`` -> ``2026-01-03T10:00:00+01:00``."""
    return _by(raw, texts=(_offset,))


def _offset(_: str, text: str) -> str:
    found = _OFFSET.match(text) if text[10:11] == "T" else None
    return f"{found[1]}:{found[2]}" if found else text


def blanks_around_codes(raw: Raw) -> Raw:
    """``"code": "8480-6 "`` -> ``"code": "8480-6"``; systems, units and ids too."""
    return _by(raw, texts=(_trimmed,))


def _trimmed(name: str, text: str) -> str:
    return text.strip() if name in _TRIMMED else text


def secure_loinc_system(raw: Raw) -> Raw:
    """``https://loinc.org`` and ``http://loinc.org/`` -> ``http://loinc.org``."""
    return _by(raw, texts=(_loinc,))


def _loinc(name: str, text: str) -> str:
    return LOINC if name == "system" and text != LOINC and _LOINC_SYSTEM.fullmatch(text) else text


def ids_with_underscore(raw: Raw) -> Raw:
    """``"id": "lab_77"`` -> ``"id": "lab-77"``: FHIR ids hold letters, digits, ``-`` and ``.``.

    References follow, or an Encounter would lose its diagnoses.
    """
    return _by(raw, texts=(_plain_id,))


def _plain_id(name: str, text: str) -> str:
    if name == "reference":
        return _REFERENCE.sub(lambda found: found[1] + found[2].replace("_", "-") + (found[3] or ""), text)
    return text.replace("_", "-") if name == "id" else text


def empty_members(raw: Raw) -> Raw:
    """``"unit": ""``, ``"code": null``, ``"note": []`` -> absent."""
    return _by(raw, values=(_full,))


def _full(_: str, value: Any) -> Any:
    return GONE if value is None or (isinstance(value, str | list | dict) and not value) else value


def numbers_as_strings(raw: Raw) -> Raw:
    """``"value": "5.4"`` -> ``5.4`` in a Quantity, ``"<0.27"`` with its comparator; ``"valueInteger": "12"`` -> ``12``.

    A decimal comma counts only in a Quantity, with one or two digits behind it: ``1,234`` stays.
    """
    return _by(raw, values=(_number,))


def _number(name: str, value: Any) -> Any:
    if isinstance(value, str) and name in ("valueInteger", "valueDecimal"):
        return _number_of(found[1]) if (found := _PLAIN.fullmatch(value)) else value
    if isinstance(value, dict) and (name in _QUANTITIES or name.endswith("Quantity")):
        return _quantity(value)
    return value


def _quantity(quantity: dict[str, Any]) -> dict[str, Any]:
    text = quantity.get("value")
    found = _LIMITED.fullmatch(text) if isinstance(text, str) else None
    if found is None or (found[1] and quantity.get("comparator") not in (None, "", found[1])):
        return quantity
    return quantity | {"value": _number_of(found[2])} | ({"comparator": found[1]} if found[1] else {})


def _number_of(text: str) -> float | int:
    plain = text.replace(",", ".")
    return float(plain) if "." in plain else int(plain)


def quantities_as_strings(raw: Raw) -> Raw:
    """``"valueString": "<0.27 ug/mL FEU"`` -> ``valueQuantity`` with comparator, value and unit; a bare number too.

    Only where the code is of a measurement that we read, or local with a unit that people type for
    one: a score of the NIH Stroke Scale, and a finding in words ("2 mm shift"), stay as they are.
    """
    return _on_parts(raw, _measured)


def _on_parts(raw: Raw, change: Callable[[Raw], Raw]) -> Raw:
    """An Observation with itself and each of its components changed."""
    if raw.get("resourceType") != "Observation":
        return raw
    parts = raw.get("component")
    if isinstance(parts, list):
        new = [change(part) if isinstance(part, dict) else part for part in parts]
        if any(one is not part for one, part in zip(new, parts, strict=True)):
            raw = {**raw, "component": new}
    return change(raw)


def _measured(part: Raw) -> Raw:
    text = part.get("valueString")
    found = _WITH_UNIT.fullmatch(text.rstrip()) if isinstance(text, str) else None
    if found is None or "valueQuantity" in part or not _may_be_measured(part, found[3]):
        return part
    members = {"comparator": found[1], "value": _number_of(found[2]), "unit": found[3]}
    quantity = {name: value for name, value in members.items() if value is not None}
    return {name: value for name, value in part.items() if name != "valueString"} | {"valueQuantity": quantity}


def _may_be_measured(part: Raw, unit: str | None) -> bool:
    loincs = _loincs_of(part)
    if not loincs:
        return unit is not None and is_typed_unit(unit)
    return any(code in analyte_codes() for code in loincs) and not any(code in nihss_codes() for code in loincs)


def _loincs_of(part: Raw) -> tuple[Any, ...]:
    """The LOINC codes of an Observation or a component."""
    concept = part.get("code")
    codings = concept.get("coding") if isinstance(concept, dict) else None
    held = codings if isinstance(codings, list) else ()
    return tuple(
        one["code"]
        for one in held
        if isinstance(one, dict) and one.get("system") == LOINC and isinstance(one.get("code"), str)
    )


def pressure_as_text(raw: Raw) -> Raw:
    """A blood pressure ``"valueString": "120/80"`` or ``"120/80 mmHg"`` -> its components 8480-6 and 8462-4.

    Nobody writes a blood pressure in whole numbers in another unit than mmHg.
    """
    text, codes = raw.get("valueString"), _loincs_of(raw)
    found = _PRESSURE.fullmatch(text) if isinstance(text, str) else None
    if raw.get("resourceType") != "Observation" or raw.get("component") or not found:
        return raw
    if _PRESSURE_CODES.isdisjoint(codes):
        return raw
    parts = [
        {
            "code": {"coding": [{"system": LOINC, "code": code}]},
            "valueQuantity": {"value": int(value), "unit": "mmHg"},
        }
        for code, value in zip(("8480-6", "8462-4"), found.groups(), strict=True)
    ]
    return {name: value for name, value in raw.items() if name != "valueString"} | {"component": parts}


_OF_TEXTS: Mapping[Quirk, Change] = {
    blanks_around_codes: _trimmed,
    times_without_seconds: _seconds,
    offsets_without_colon: _offset,
    secure_loinc_system: _loinc,
    ids_with_underscore: _plain_id,
}
_OF_VALUES: Mapping[Quirk, Change] = {empty_members: _full, numbers_as_strings: _number}
_OF_RESOURCES: tuple[Quirk, ...] = (quantities_as_strings, pressure_as_text)

DEFAULT_QUIRKS: tuple[Quirk, ...] = (*_OF_TEXTS, *_OF_VALUES, *_OF_RESOURCES)

QUIRKS: Mapping[str, Quirk] = {quirk.__name__: quirk for quirk in DEFAULT_QUIRKS}
"""Every quirk by the name that a site switches it by."""


def quirks_named(names: Iterable[str]) -> tuple[Quirk, ...]:
    """The quirks of these names. Raises `ValueError` naming one that is none."""
    wanted = tuple(names)
    if unknown := next((name for name in wanted if name not in QUIRKS), None):
        raise ValueError(f"{unknown!r} is no quirk; there are {', '.join(QUIRKS)}")
    return tuple(QUIRKS[name] for name in wanted)


def mended(raw: Raw, quirks: Sequence[Quirk]) -> Raw:
    """The resource after all these quirks: those of texts and values in one walk, then those of whole resources."""
    texts = tuple(_OF_TEXTS[quirk] for quirk in quirks if quirk in _OF_TEXTS)
    values = tuple(_OF_VALUES[quirk] for quirk in quirks if quirk in _OF_VALUES)
    raw = _by(raw, texts, values)
    for quirk in quirks:
        if quirk not in _OF_TEXTS and quirk not in _OF_VALUES:
            raw = quirk(raw)
    return raw
