"""What a card says of its data: used, missing, unknown, old or left out."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from cds_service.cards.escaping import plain
from cds_service.cards.language import Language
from cds_service.conclude import Conclusion
from fhir_mappings.inputs import ModelInputs
from fhir_mappings.snapshot import ClinicalSnapshot, Issue

_LACKING = re.compile(r"([^:]+?)( (?:partly )?unknown: .*| may be incomplete\b.*)")
"""What the issues of queries say (`cds_service.fhir_client.joining`): of what something lacks, and why."""

_NOT_ALL = frozenset({"query-failed", "incomplete", "wrong-patient", "not-available"})
"""Codes of issues that tell of data which was there and was not used."""


def notes_on_data(snapshot: ClinicalSnapshot, conclusion: Conclusion, language: Language, most: int) -> str | None:
    """The section on the data; with a smaller ``most`` fewer names and notes are told, and how many were not."""
    absent = "not_charted_or_not_read" if _is_partly_read(snapshot) else "not_charted"
    used = conclusion.prediction is not None
    notes = list(_on_inputs(conclusion.inputs, language, most, absent, used=used)) if conclusion.inputs else []
    if "procedures" in snapshot.unanswered:
        notes.append(language.say("thrombectomy_unknown"))
    notes += _issues((*snapshot.issues, *_model_issues(conclusion)), language, max(0, most + 1))
    return f"**{language.say('data')}**: {' '.join(notes)}" if notes else None


def _is_partly_read(snapshot: ClinicalSnapshot) -> bool:
    """True where a query failed, wholly or in part: what it would have told is unknown."""
    return bool(snapshot.unanswered) or any(issue.code in _NOT_ALL for issue in snapshot.issues)


def _on_inputs(inputs: ModelInputs, language: Language, most: int, absent: str, *, used: bool) -> Iterator[str]:
    features = inputs.features
    missing = [_label(feature.label, language) for feature in features if not feature.observed]
    yield language.say("inputs_used" if used else "inputs_found", used=len(features) - len(missing), all=len(features))
    if missing:
        yield language.say(absent, names=_listed(missing, language, max(1, most + 4)))
    old = [
        language.say("old_value", label=_label(feature.label, language), hours=f"{age:.0f}")
        for feature, age in inputs.stale
    ]
    if old:
        yield language.say("old", names=_listed(old, language, max(1, most + 2)))
    if not inputs.sentences:
        yield language.say("no_report")


@dataclass(frozen=True)
class _Note:
    """A text, and the ``names`` of what it says lacks something."""

    text: str
    names: tuple[str, ...] = ()


def _issues(issues: Sequence[Issue], language: Language, most: int) -> Iterator[str]:
    """The issues as sentences, each once; their texts are English in every language, which the card says.

    What lacks is named even where there is no room for its reason.
    """
    said = _gathered(plain(issue.text, 120) for issue in issues)
    if shown := " ".join(_sentence(one.text) for one in said[:most]):
        yield language.say("notes", notes=shown)
    if lacking := dict.fromkeys(name for one in said[most:] for name in one.names):
        yield language.say("also_lacking", names=", ".join(lacking))
    if (left := sum(not one.names for one in said[most:])) > 0:
        yield language.say("more_notes_one" if left == 1 else "more_notes_other", count=left)


def _gathered(texts: Iterable[str]) -> list[_Note]:
    """The texts, each once; where several queries lack something for one reason, one text names them all."""
    lacking: dict[str, dict[str, None]] = {}
    for text in texts:
        found = _LACKING.fullmatch(text)
        names = lacking.setdefault(found[2] if found else text, {})
        if found:
            names[found[1]] = None
    return [_Note(f"{', '.join(names)}{text}", tuple(names)) for text, names in lacking.items()]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _model_issues(conclusion: Conclusion) -> Sequence[Issue]:
    return conclusion.prediction.issues if conclusion.prediction else ()


def _label(english: str, language: Language) -> str:
    return plain(language.label(english), 60)


def _listed(names: Sequence[str], language: Language, most: int) -> str:
    shown = "; ".join(names[:most])
    return language.say("and_more", names=shown, count=len(names) - most) if len(names) > most else shown
