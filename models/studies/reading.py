"""How well a reader reads: sentences of simulated reports by finding, hand-written sentences beside the rules.

Of the reports' sentences that mention a finding: does the probability of "present" rank those that state it
present above those that deny it, doubt it, ask about it or tell it of the past? Intervals draw sentences of
one shape together, since they differ in side and numbers only.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from fhir_mappings.inputs import Section, Sentence
from fhir_mappings.text.findings import read_findings
from models.evaluation.counted import counted_in
from models.evaluation.intervals import Draws, draws_of
from models.evaluation.ranking import auc_in, ratio
from models.evaluation.refuse import Figure, figure_of, refused
from models.evaluation.rows import Flags, Floats
from models.joining import join
from models.reader import ASSERTIONS, NOT_MENTIONED, ReaderSpec, Reading
from models.studies.report_sentences import StatedSentence

Reads = Callable[[Sequence[str]], Reading]
"""A reader's ``read``, or a small stand-in for it."""

STATEMENT = "Sentences of simulated reports and sentences written for this project: none is of a real patient."

_PRESENT, _NONE = ASSERTIONS.index("present"), ASSERTIONS.index(NOT_MENTIONED)
_LIKELIER = 0.5  # mentioned rather than not
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class HandWritten:
    """A labeled sentence: for each finding that its label names, whether it is present."""

    text: str
    section: Section
    present: tuple[tuple[str, bool], ...]


# ---- sentences of reports ----------------------------------------------------------------------------


def by_finding(
    reads: Reads, spec: ReaderSpec, sentences: Sequence[StatedSentence], *, draws: int = 500, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Of each finding: ``auc`` of present among its mentions, ``recall`` of the mention, ``elsewhere``.

    ``elsewhere`` is how often it is read as mentioned in sentences that do not state it. The ``events`` of a figure
    are the present ones (of ``auc``), else the sentences read as mentioning.
    """
    read = reads([one.text for one in sentences]).assertions.double().numpy()
    drawn = draws_of([one.shape for one in sentences], draws, seed)
    return {
        name: _figures(sentences, name, read[:, column], drawn)
        for column, name in enumerate(spec.names)
        if any(said.finding == name for one in sentences for said in one.stated)
    }


def _figures(sentences: Sequence[StatedSentence], name: str, read: Floats, drawn: Draws) -> dict[str, Figure]:
    """The figures of one finding from its probabilities [n, 6]."""
    said = [{one.assertion for one in sentence.stated if one.finding == name} for sentence in sentences]
    mention = np.array([bool(one) for one in said])
    present = np.array(["present" in one for one in said], dtype=np.float64)
    named = (read[:, _NONE] < _LIKELIER).astype(np.float64)
    return {
        "auc": _auc(drawn, mention, present[mention], read[mention, _PRESENT]),
        "recall": _share(drawn, mention, named),
        "elsewhere": _share(drawn, ~mention, named),
    }


def _auc(drawn: Draws, rows: Flags, present: Floats, risk: Floats) -> Figure:
    """The AUC on the chosen rows with its interval; refused where all of them are of one kind."""
    n, events = len(present), int(present.sum())
    if events in (0, n):
        return refused("present and not present are not both stated there", n, events)
    values = auc_in(counted_in(drawn, rows, present, risk))
    return figure_of(float(values[0]), values[1:], n, events)


def _share(drawn: Draws, rows: Flags, hit: Floats) -> Figure:
    """The share of hits among the chosen rows with its interval."""
    values = _mean(drawn, hit * rows, rows.astype(np.float64))
    return figure_of(float(values[0]), values[1:], int(rows.sum()), int((hit * rows).sum()))


def _mean(drawn: Draws, total: Floats, count: Floats) -> Floats:
    """The sum of one column over that of another in every draw [1 + draws]."""
    size = len(drawn.times)
    above, below = (np.bincount(drawn.place, one, size) @ drawn.times for one in (total, count))
    return ratio(above, below)


# ---- hand-written sentences --------------------------------------------------------------------------


def beside_rules(
    reads: Reads, spec: ReaderSpec, cases: Sequence[HandWritten], *, draws: int = 500, seed: int = 0
) -> dict[str, Figure]:
    """Pooled accuracy of present or not: ``rules`` alone, ``joined`` with the reader, and the paired ``gain``.

    Labels of findings that the reader does not know are left out. The ``events`` of ``rules`` and ``joined`` are the
    labels read rightly, those of ``gain`` the labels on which the two differ. Sentences are drawn whole.
    """
    answers = [answer for place, case in enumerate(cases) for answer in _answers(reads, spec, case, place)]
    place, rules, joined = (np.array(column) for column in zip(*answers, strict=True))
    drawn = draws_of([str(one) for one in place], draws, seed)
    every = np.ones(len(place))
    right = {"rules": rules.astype(np.float64), "joined": joined.astype(np.float64)}
    found = {name: _share(drawn, every.astype(bool), hit) for name, hit in right.items()}
    gain = _mean(drawn, right["joined"] - right["rules"], every)
    return found | {"gain": figure_of(float(gain[0]), gain[1:], len(place), int((rules != joined).sum()))}


def _answers(reads: Reads, spec: ReaderSpec, case: HandWritten, place: int) -> Iterator[tuple[int, bool, bool]]:
    """The sentence's place, and whether the rules alone and both together are right, for each label of a sentence."""
    sentence = Sentence(case.text, case.section, "DiagnosticReport/1", _NOW)
    rules = read_findings([sentence])
    both = join([sentence], rules, reads([case.text]), spec).findings
    read = [{one.name for one in findings if one.assertion == "present"} for findings in (rules, both)]
    for name, present in case.present:
        if name in spec.names:
            yield place, (name in read[0]) is present, (name in read[1]) is present


# ---- as a table --------------------------------------------------------------------------------------


def reading(
    reads: Reads,
    spec: ReaderSpec,
    reports: Mapping[str, Sequence[StatedSentence]],
    written: Mapping[str, Sequence[HandWritten]],
    *,
    draws: int = 500,
) -> dict[str, Any]:
    """The whole evaluation: by phrasing and finding, and by half of the hand-written sentences."""
    return {
        "statement": STATEMENT,
        "sentences": {name: len(several) for name, several in reports.items()},
        "reports": {name: by_finding(reads, spec, several, draws=draws) for name, several in reports.items()},
        "hand_written": {name: beside_rules(reads, spec, cases, draws=draws) for name, cases in written.items()},
    }


def reading_table(found: Mapping[str, Any]) -> str:
    """The evaluation as Markdown: a row a finding for each phrasing, a row for each half of hand-written sentences."""
    return "\n".join([found["statement"], *_report_rows(found), *_written_rows(found)]) + "\n"


def _report_rows(found: Mapping[str, Any]) -> Iterator[str]:
    for phrasing, findings in found["reports"].items():
        yield f"\n{found['sentences'][phrasing]} different sentences, {phrasing} phrases\n"
        yield "| finding | mentions | present | AUC of present | mention read | read elsewhere |"
        yield "|---" * 6 + "|"
        for name, one in findings.items():
            figures = " | ".join(_cell(one[key]) for key in ("auc", "recall", "elsewhere"))
            yield f"| {name} | {one['auc']['n']} | {one['auc']['events']} | {figures} |"


def _written_rows(found: Mapping[str, Any]) -> Iterator[str]:
    for half, one in found["hand_written"].items():
        yield f"\nHand-written sentences, {half}: {one['gain']['n']} labels\n"
        yield "| rules alone | with the reader | difference |\n|---|---|---|"
        yield f"| {_cell(one['rules'])} | {_cell(one['joined'])} | {_cell(one['gain'], '+.3f')} |"


def _cell(figure: Figure, form: str = ".3f") -> str:
    """A figure with its interval, or why there is none."""
    if figure["value"] is None:
        return "none: " + str(figure["refused"])
    ends = "" if figure["low"] is None else f" ({figure['low']:{form}} to {figure['high']:{form}})"
    return f"{figure['value']:{form}}{ends}"
