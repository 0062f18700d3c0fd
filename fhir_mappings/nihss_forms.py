"""NIHSS in filled-in forms (QuestionnaireResponse): one form is one examination."""

import re
from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from fhir_mappings.codes import NihssItem, nihss_table
from fhir_mappings.nihss_charted import Charted, part_of_scale, readings_of, why_no_baseline
from fhir_mappings.observations import source_of
from fhir_mappings.snapshot import Issue
from fhir_mappings.windows import available_at, instant

_USED = frozenset({"completed", "amended", "in-progress"})
_CODE_AT_END = re.compile(r"(?:^|[^0-9A-Za-z-])([0-9]{4,5}-[0-9])$")
"""A LOINC code alone or at the end of a path: ``70190-4``, ``/70182-1/70190-4``, ``http://loinc.org|70190-4``."""

_Question = tuple[NihssItem, Any]


def filled_in(forms: Sequence[Any], *, live: bool) -> tuple[tuple[Charted, ...], tuple[Issue, ...]]:
    """What each form says of the scale, and why others are left out; a form on other things is passed over."""
    read = [_filled_in(form, live=live) for form in forms]
    return tuple(one for one, _ in read if one is not None), tuple(issue for _, said in read for issue in said)


def _filled_in(form: Any, *, live: bool) -> tuple[Charted | None, Sequence[Issue]]:
    questions, doubtful = _questions(form)
    if not questions and not doubtful:
        return None, []
    source, effective = source_of(form), instant(form.authored)
    if form.status not in _USED:
        return None, [Issue("not-final", f"NIHSS {source} left out: {form.status}", source, "nihss")]
    if effective is None:
        return None, [Issue("malformed", f"NIHSS {source} left out: no time", source, "nihss")]
    answers = [(item, answer) for item, question in questions for answer in question.answer or ()]
    readings, issues = readings_of(answers, source)
    said = [*_reservations(form, source, doubtful), *issues]
    if not readings:
        return None, [*said, Issue("malformed", f"NIHSS {source} has no points that are read", source, "nihss")]
    available = available_at("nihss", effective, None, live=live)
    return Charted(source, effective, available, readings, why_no_baseline(_remarks(form))), said


def _reservations(form: Any, source: str, doubtful: bool) -> Iterator[Issue]:
    if form.status == "in-progress":
        yield Issue("not-final", f"{source} is in progress", source, "nihss")
    if not isinstance(form.authored, datetime):
        yield Issue("assumed", f"{source} has a date without a time, taken as its first moment", source, "nihss")
    if doubtful:
        text = f"NIHSS items left out ({source}): linkId and definition name different ones"
        yield Issue("malformed", text, source, "nihss")


def _questions(form: Any) -> tuple[list[_Question], bool]:
    """The form's items that are of the scale; and True where some name two different parts of it."""
    named = [(_named(item.linkId), _named(item.definition), item) for item in _items(form)]
    differing = [link for link, definition, _ in named if link and definition and link != definition]
    clear = [(link or definition, item) for link, definition, item in named if link not in differing]
    return [(part, item) for part, item in clear if part is not None], bool(differing)


def _named(text: str | None) -> NihssItem | None:
    found = _CODE_AT_END.search((text or "").strip())
    return part_of_scale([found[1]]) if found else None


def _items(form: Any) -> Iterator[Any]:
    """Every item of a form, those within items and answers too."""
    waiting = deque(form.item or ())
    while waiting:
        item = waiting.popleft()
        yield item
        waiting.extend(item.item or ())
        for answer in item.answer or ():
            waiting.extend(answer.item or ())


@cache
def _remark() -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(nihss_table().remark_words)})\b", re.IGNORECASE)


def _remarks(form: Any) -> Iterator[str | None]:
    """Answers in words to the scale's own questions, and to those that ask for remarks."""
    for item in _items(form):
        if _named(item.linkId) or _named(item.definition) or _remark().search(f"{item.text} {item.linkId}"):
            yield from (answer.valueString for answer in item.answer or ())
