"""Codes of a chart that mean nothing to us: what a site's ConceptMap may have to name."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_mappings.codes import LOINC, MRS_CODE, ONSET_CODE, analyte_for, nihss_codes
from fhir_mappings.reading import reference_of
from fhir_mappings.site import Site, prepared
from fhir_mappings.snapshot import Raw
from fhir_mappings.value_sets import Coding, decision_of

_OURS = frozenset({*nihss_codes(), ONSET_CODE, MRS_CODE})
_STROKE_SCALE = re.compile(r"\bnih ?ss\b|stroke scale", re.IGNORECASE)


@dataclass(frozen=True)
class UnknownCode:
    """One coding, or a name without a coding, how often it stands in the chart, and one resource that has it."""

    system: str | None
    code: str | None
    display: str
    count: int
    source: str

    @property
    def may_be_nihss(self) -> bool:
        """True where its words name the NIH Stroke Scale."""
        return _STROKE_SCALE.search(f"{self.display} {self.code or ''}") is not None


def unknown_codes(raws: Iterable[Raw], site: Site) -> tuple[UnknownCode, ...]:
    """The codes of Observations none of whose parts is read, and form items that may be the NIHSS.

    Those that may be the NIHSS come first, then the most frequent.
    """
    counts: Counter[tuple[str | None, str | None, str]] = Counter()
    sources: dict[tuple[str | None, str | None, str], str] = {}
    for raw in raws:
        for key in _unknown_in(raw, site):
            counts[key] += 1
            sources.setdefault(key, reference_of(raw))
    found = [UnknownCode(*key, count, sources[key]) for key, count in counts.items()]
    return tuple(sorted(found, key=lambda one: (not one.may_be_nihss, -one.count, one.code or "", one.display)))


def _unknown_in(raw: Any, site: Site) -> Iterator[tuple[str | None, str | None, str]]:
    kind = raw.get("resourceType") if isinstance(raw, dict) else None
    if kind == "Observation":
        ready, _ = prepared(raw, "", site)
        parts = [ready, *_objects(ready.get("component"))]
        if not any(_is_read(part) for part in parts):
            yield from _named(ready.get("code"))
    elif kind == "QuestionnaireResponse":
        yield from _form_items(prepared(raw, "", site)[0])


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _codings(concept: Any) -> list[Mapping[str, Any]]:
    return _objects(concept.get("coding")) if isinstance(concept, dict) else []


def _is_read(part: Mapping[str, Any]) -> bool:
    pairs: list[Coding] = [(_text(one, "system"), _text(one, "code")) for one in _codings(part.get("code"))]
    ours = any(system == LOINC and code in _OURS for system, code in pairs)
    return ours or analyte_for(pairs) is not None or decision_of(pairs) is not None


def _named(concept: Any) -> Iterator[tuple[str | None, str | None, str]]:
    """Each coding with the words that stand for it; the words alone where there is no coding."""
    said = _text(concept, "text") if isinstance(concept, dict) else None
    codings = _codings(concept)
    for one in codings:
        yield _text(one, "system"), _text(one, "code"), (_text(one, "display") or said or "")[:80]
    if not codings and said:
        yield None, None, said[:80]


def _form_items(form: Raw) -> Iterator[tuple[str | None, str | None, str]]:
    """Answered items whose words name the scale while their ``linkId`` is none of ours."""
    canonical, waiting = _text(form, "questionnaire"), _objects(form.get("item"))
    while waiting:
        item = waiting.pop()
        waiting += _objects(item.get("item"))
        link, words = _text(item, "linkId"), _text(item, "text") or ""
        ours = link is not None and link.strip("/").rsplit("/", 1)[-1] in _OURS
        if item.get("answer") and not ours and _STROKE_SCALE.search(words):
            yield (canonical or "").split("|", maxsplit=1)[0] or None, link, words[:80]


def _text(node: Mapping[str, Any], name: str) -> str | None:
    value = node.get(name)
    return value if isinstance(value, str) and value else None
