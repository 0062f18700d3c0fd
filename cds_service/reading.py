"""What `endwatch read` prints: the findings of a report, or of labelled texts in JSON lines."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any, BinaryIO, cast

from fhir_mappings.inputs import Finding, Section, Sentence
from fhir_mappings.snapshot import Report
from fhir_mappings.text.decode import UnreadableText, text_of
from fhir_mappings.text.findings import label_of, read_findings
from fhir_mappings.text.language import language_of, languages_read
from fhir_mappings.text.sections import SECTIONS, sentences_of
from fhir_mappings.text.worker import Limits

UNREVIEWED = (
    "The conventions for what counts as present, uncertain, absent, historical or asked are our own:"
    " no clinician has reviewed them yet."
)
_UNITS = {"aspects": "points", "midline_shift": "mm", "stenosis": "%"}
_COLUMNS = ("finding", "assertion", "side", "site", "value", "grade", "section", "sentence")
_NO_DATE = datetime(1, 1, 1, tzinfo=UTC)


class CannotRead(Exception):
    """The input is no report and no JSON lines that are read; says why, and in which line."""


@dataclass(frozen=True)
class _Line:
    """One line of JSON lines: what its findings are answered to, and the text that they are read from."""

    id: Any
    section: Section | None
    text: str


def printed(source: BinaryIO, *, as_json: bool) -> Iterator[str]:
    """The lines to print, while the source is being read. Raises `CannotRead`.

    A report (plain text, HTML, RTF or PDF, told by its bytes) gives a table; JSON lines with ``text`` give JSON lines.
    """
    lines = iter(source)
    head, first = _first_line(lines)
    if first.startswith(b"{") and not first.startswith(b"{\\rtf"):
        yield from _answers(chain([first], lines), number=len(head) + 1)
    else:
        data = b"".join((*head, first, source.read(Limits().bytes_in + 1)))
        yield from _of_report(data, as_json=as_json)


def _first_line(lines: Iterator[bytes]) -> tuple[list[bytes], bytes]:
    """The blank lines at the beginning, and the line behind them."""
    head: list[bytes] = []
    for line in lines:
        if line.strip():
            return head, (line if head else line.removeprefix(b"\xef\xbb\xbf"))
        head.append(line)
    return head, b""


def _answers(lines: Iterable[bytes], number: int) -> Iterator[str]:
    """A JSON line for each line, blank ones left out."""
    for at, raw in enumerate(lines, number):
        if raw.strip():
            yield json.dumps(_answer(_line(raw, at)))


def _line(raw: bytes, number: int) -> _Line:
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        raise CannotRead(f"line {number} is not JSON") from None
    if not isinstance(said, dict) or not isinstance(said.get("text"), str):
        raise CannotRead(f"line {number} has no text")
    section = said.get("section")
    if section is not None and section not in SECTIONS:
        raise CannotRead(f"line {number}: section is none of {', '.join(SECTIONS)}")
    return _Line(said.get("id"), cast(Section | None, section), said["text"])


def _answer(line: _Line) -> dict[str, Any]:
    if language_of(line.text) is None:
        return {"id": line.id, "findings": [], "unread": f"not in {languages_read()}"}
    sentences = _sentences(line.text)
    if line.section is not None:
        sentences = tuple(replace(one, section=line.section) for one in sentences)
    return {"id": line.id, "findings": [_as_json(one, sentences) for one in read_findings(sentences)]}


def _sentences(text: str) -> tuple[Sentence, ...]:
    return sentences_of([Report("", text, _NO_DATE, _NO_DATE, "the text")])


def _as_json(finding: Finding, sentences: Sequence[Sentence]) -> dict[str, Any]:
    return {
        "finding": finding.name,
        "assertion": finding.assertion,
        "side": finding.side,
        "site": finding.site,
        "value": finding.value,
        "unit": _UNITS.get(finding.name) if finding.value is not None else None,
        "grade": finding.grade,
        "sentence": sentences[finding.sentence].text,
    }


def _of_report(data: bytes, *, as_json: bool) -> Iterator[str]:
    try:
        text = text_of(None, data)
    except UnreadableText as error:
        raise CannotRead(f"left unread: {error}") from None
    if language_of(text) is None:
        raise CannotRead(f"left unread: not in {languages_read()}")
    sentences = _sentences(text)
    found = read_findings(sentences)
    if as_json:
        rows = [_as_json(one, sentences) | {"section": sentences[one.sentence].section} for one in found]
        yield json.dumps({"findings": rows, "note": UNREVIEWED}, indent=2)
    else:
        yield from _table([_row(one, sentences[one.sentence]) for one in found])
        yield UNREVIEWED


def _row(finding: Finding, sentence: Sentence) -> tuple[str, ...]:
    value = "" if finding.value is None else f"{finding.value:g} {_UNITS.get(finding.name, '')}".strip()
    said = (finding.side, finding.site, value, finding.grade)
    return (label_of(finding.name), finding.assertion, *(one or "" for one in said), sentence.section, sentence.text)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The rows under their headings, the sentence last and uncut, and an empty line; no column that holds nothing."""
    if not rows:
        yield "No finding read.\n"
        return
    kept = [number for number, column in enumerate(zip(*rows, strict=True)) if any(column)]
    shown = [[row[number] for number in kept] for row in (_COLUMNS, *rows)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths[:-1], 0], strict=True))
    yield ""
