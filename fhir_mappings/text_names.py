"""Observations recognized by their name alone, where a site switches that on: the last resort.

A name is compared whole, and only where no coding is LOINC: a LOINC code that is not ours says that
the Observation is of something else.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from fhir_mappings.codes import LOINC, table
from fhir_mappings.snapshot import Issue, Raw


def named(raw: Raw, source: str) -> tuple[Raw, tuple[Issue, ...]]:
    """An Observation and its components with the LOINC code that their names mean, and what a card says of it."""
    if raw.get("resourceType") != "Observation":
        return raw, ()
    found: list[str] = []
    components = raw.get("component")
    if isinstance(components, list):
        raw = {**raw, "component": [_coded(one, found) if isinstance(one, dict) else one for one in components]}
    raw = _coded(raw, found)
    text = f"{source} has no code of ours: read as {', '.join(found)} by its name"
    return raw, (Issue("assumed", text, source, found[0]),) if found else ()


def _coded(part: Mapping[str, Any], found: list[str]) -> dict[str, Any]:
    """The part with a LOINC coding added where its name means one; ``found`` gains what it is of."""
    concept = part.get("code")
    if not isinstance(concept, dict):
        return dict(part)
    codings = [one for one in concept.get("coding") or () if isinstance(one, dict)]
    if any(one.get("system") == LOINC for one in codings):
        return dict(part)
    texts = [concept.get("text"), *(one.get("display") for one in codings)]
    known = (_names().get(_plain(text)) for text in texts if isinstance(text, str))
    meant = next((one for one in known if one), None)
    if meant is None:
        return dict(part)
    found.append(meant[0])
    return {**part, "code": {**concept, "coding": [*codings, {"system": LOINC, "code": meant[1]}]}}


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


@cache
def _names() -> Mapping[str, tuple[str, str]]:
    """(analyte, LOINC code) by name."""
    rows = table("text_names.toml").items()
    return {name: (analyte, row["loinc"]) for analyte, row in rows for name in row["names"]}
