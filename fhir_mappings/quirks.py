"""What servers send that the FHIR classes refuse, mended by name before reading.

Each quirk is a pure function from a resource to a mended copy; it changes how a thing is written,
never what it says.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from fhir_mappings.snapshot import Raw

Quirk = Callable[[Raw], Raw]

_NO_SECONDS = re.compile(r"^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})(Z|[+-]\d{2}:?\d{2})?$")
_OFFSET = re.compile(r"^(\d{4}-\d{2}-\d{2}T[\d:.]+[+-]\d{2})(\d{2})$")
_REFERENCE = re.compile(r"((?:^|/)[A-Z][A-Za-z]+/)([A-Za-z0-9._-]+)(/_history/.*)?$")
_DEEPEST = 40


def _rewrite(node: Any, change: Callable[[str, Any], Any], key: str = "", depth: int = 0) -> Any:
    """A copy of a JSON tree with every leaf passed through ``change(key, leaf)``."""
    if depth > _DEEPEST:
        return node
    if isinstance(node, dict):
        return {name: _rewrite(value, change, name, depth + 1) for name, value in node.items()}
    if isinstance(node, list):
        return [_rewrite(value, change, key, depth + 1) for value in node]
    return change(key, node)


def _on_strings(raw: Raw, change: Callable[[str, str], str]) -> Raw:
    mended: Raw = _rewrite(raw, lambda key, leaf: change(key, leaf) if isinstance(leaf, str) else leaf)
    return mended


def times_without_seconds(raw: Raw) -> Raw:
    """``2026-01-03T10:00+01:00`` -> ``2026-01-03T10:00:00+01:00``."""
    return _on_strings(raw, lambda _, text: _NO_SECONDS.sub(r"\1:00\2", text))


def offsets_without_colon(raw: Raw) -> Raw:
    """``2026-01-03T10:00:00+0100`` -> ``2026-01-03T10:00:00+01:00``."""
    return _on_strings(raw, lambda _, text: _OFFSET.sub(r"\1:\2", text))


def blanks_around_codes(raw: Raw) -> Raw:
    """``"code": "8480-6 "`` -> ``"code": "8480-6"``; systems, units and ids too."""
    return _on_strings(raw, lambda key, text: text.strip() if key in ("code", "system", "unit", "id") else text)


def secure_loinc_system(raw: Raw) -> Raw:
    """``https://loinc.org`` and ``http://loinc.org/`` -> ``http://loinc.org``."""
    pattern = re.compile(r"^https?://(www\.)?loinc\.org/?$", re.IGNORECASE)
    return _on_strings(raw, lambda key, text: pattern.sub("http://loinc.org", text) if key == "system" else text)


def ids_with_underscore(raw: Raw) -> Raw:
    """``"id": "lab_77"`` -> ``"id": "lab-77"``: FHIR ids hold letters, digits, ``-`` and ``.``.

    References follow, or an Encounter would lose its diagnoses.
    """
    return _on_strings(raw, _plain_id)


def _plain_id(key: str, text: str) -> str:
    if key == "reference":
        return _REFERENCE.sub(lambda found: found[1] + found[2].replace("_", "-") + (found[3] or ""), text)
    return text.replace("_", "-") if key == "id" else text


def empty_members(raw: Raw) -> Raw:
    """``"unit": ""``, ``"code": null``, ``"note": []`` -> absent."""
    return _without_empty(raw) or {}


def _without_empty(node: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return node
    if isinstance(node, dict):
        kept = {key: _without_empty(value, depth + 1) for key, value in node.items()}
        return {key: value for key, value in kept.items() if not _empty(value)}
    if isinstance(node, list):
        return [item for value in node if not _empty(item := _without_empty(value, depth + 1))]
    return node


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | dict) and len(value) == 0)


DEFAULT_QUIRKS: tuple[Quirk, ...] = (
    blanks_around_codes,
    empty_members,
    times_without_seconds,
    offsets_without_colon,
    secure_loinc_system,
    ids_with_underscore,
)


def mended(raw: Raw, quirks: Sequence[Quirk]) -> Raw:
    """The resource after all these quirks, in their order."""
    for quirk in quirks:
        raw = quirk(raw)
    return raw
