"""What the rules and the reader find in the sentences, joined into probabilities, sentence by sentence.

The reader's probability of each assertion is multiplied by how often the rules say what they said where
that assertion is the true one (naive Bayes; the two are not independent, so the reader counts only within
the range that ``joining.toml`` allows it). A sentence without the reader's answer stands as the rules read it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from fhir_mappings.inputs import Assertion, Finding, Sentence
from fhir_mappings.snapshot import Issue
from fhir_mappings.text.findings import label_of
from models.design import FindingTerm, Vector
from models.reader import ASSERTIONS, ReaderSpec, Reading
from models.reader_details import FloatArray, columns, filled, strongest, told_details
from models.trust import trust

_NONE, _PRESENT = 0, ASSERTIONS.index("present")  # places in ASSERTIONS


@dataclass(frozen=True)
class Joined:
    """Findings of one row as probabilities: what the rules read and what the reader reads, joined by sentence."""

    names: tuple[str, ...]
    assertions: FloatArray  # [n, N, 6] posterior per sentence, over ASSERTIONS
    spec: ReaderSpec
    details: FloatArray  # [n, D] posterior per sentence; the rules' own site, grade or number where they say one
    findings: tuple[Finding, ...]  # the likeliest reading of each sentence and finding
    issues: tuple[Issue, ...]  # one for each finding whose strongest reading differs between rules and reader


def join(
    sentences: Sequence[Sentence], findings: Sequence[Finding], reading: Reading | None, spec: ReaderSpec
) -> Joined:
    """The rules' findings and the reader's answers to the same sentences, joined; None: the rules alone."""
    held = [one for one in findings if one.name in spec.names]
    said = _said(held, len(sentences), spec)
    if reading is None:
        posterior, details = _certain(said), told_details(held, np.zeros((len(sentences), len(spec.details))), spec)
        return Joined(spec.names, posterior, spec, details, tuple(findings), ())
    read = reading.assertions.double().numpy()
    posterior = _posterior(said, read)
    details = told_details(held, reading.details.double().numpy(), spec)
    sides = reading.sides.numpy()
    joined = _findings(findings, said, posterior, spec, details=details, sides=sides)
    return Joined(spec.names, posterior, spec, details, joined, _differences(sentences, said, read, spec))


def _said(findings: Sequence[Finding], count: int, spec: ReaderSpec) -> NDArray[np.int64]:
    """Places in ASSERTIONS [n, N] of the rules' strongest reading; `_NONE` where they read nothing."""
    said = np.zeros((count, len(spec.names)), dtype=np.int64)
    for one in findings:
        place, column = one.sentence, spec.names.index(one.name)
        now, rank = said[place, column], ASSERTIONS.index(one.assertion)
        said[place, column] = rank if now == _NONE else min(now, rank)  # ASSERTIONS stand in the order of STRENGTH
    return said


def _certain(said: NDArray[np.int64]) -> FloatArray:
    """The rules' reading as probabilities of 0 and 1: [n, N, 6]."""
    return np.eye(len(ASSERTIONS))[said]


def _posterior(said: NDArray[np.int64], read: FloatArray) -> FloatArray:
    """Naive Bayes [n, N, 6]; the rules alone in sentences of which the reader says nothing."""
    trusted = trust()
    product = np.clip(read, trusted.floor, 1.0) * trusted.rules.T[said]  # P(said | each truth)
    product /= product.sum(axis=2, keepdims=True)
    unread = read.sum(axis=(1, 2)) == 0
    return np.where(unread[:, None, None], _certain(said), product)


def _findings(
    findings: Sequence[Finding], said: NDArray[np.int64], posterior: FloatArray, spec: ReaderSpec,
    *, details: FloatArray, sides: NDArray[np.float32],
) -> tuple[Finding, ...]:  # fmt: skip
    """The rules' findings that stand, those read otherwise, and the reader's own, in reading order."""
    likeliest = posterior.argmax(axis=2)
    changed = likeliest != said
    stand = [one for one in findings if one.name not in spec.names or not changed[one.sentence, _at(spec, one)]]
    rules = {(one.sentence, one.name): one for one in reversed(strongest(findings))}
    read = []
    for place, column in zip(*np.nonzero(changed & (likeliest != _NONE)), strict=True):
        name, assertion = spec.names[column], cast(Assertion, ASSERTIONS[likeliest[place, column]])
        own = rules.get((int(place), name))
        fresh = replace(own, assertion=assertion) if own else Finding(name, assertion, int(place))
        read.append(filled(fresh, details[place], sides[place], spec))
    return tuple(sorted([*stand, *read], key=lambda one: one.sentence))


def _at(spec: ReaderSpec, finding: Finding) -> int:
    return spec.names.index(finding.name)


def _differences(
    sentences: Sequence[Sentence], said: NDArray[np.int64], read: FloatArray, spec: ReaderSpec
) -> tuple[Issue, ...]:
    """An issue for each finding that one reads as present and the other does not, naming the first such report.

    Their strongest readings of the row are compared. Whether something that is not there was denied, doubted or
    not mentioned matters to the probabilities, not to the person who reads the card. Sentences that the reader
    did not read count for neither.
    """
    seen = read.sum(axis=2) > 0
    rules, reader = np.where(seen, said, _NONE), read.argmax(axis=2)
    strongest_said, strongest_read = _strongest_of(rules), _strongest_of(reader)
    issues = []
    for column in np.flatnonzero((strongest_said == _PRESENT) != (strongest_read == _PRESENT)):
        mine, theirs = (ASSERTIONS[places[column]] for places in (strongest_said, strongest_read))
        report = sentences[int((rules != reader)[:, column].argmax())].report
        text = f"{label_of(spec.names[column])}: {_words(mine)} by the rules, {_words(theirs)} by the text model"
        issues.append(Issue("contradictory", text, report, "reports"))
    return tuple(issues)


def _strongest_of(places: NDArray[np.int64]) -> NDArray[np.int64]:
    """The strongest assertion [N] of all sentences [n, N], as places in ASSERTIONS."""
    last = len(ASSERTIONS)
    found: NDArray[np.int64] = np.where(places == _NONE, last, places).min(axis=0, initial=last) % last
    return found


def _words(assertion: str) -> str:
    return "not mentioned" if assertion == ASSERTIONS[_NONE] else assertion


def term_probabilities(joined: Joined, terms: Sequence[FindingTerm]) -> Vector:
    """The chance [T] that each term holds in the row; 0 or 1 exactly where all readings are certain.

    A finding counts with its strongest assertion of the row: a weaker one has the chance that its likeliest
    sentence says it and that no sentence says a stronger one.
    """
    top = joined.assertions.max(axis=0, initial=0.0)  # [N, 6]
    return np.array([_chance(joined, top, term) for term in terms], dtype=np.float32)


def _chance(joined: Joined, top: FloatArray, term: FindingTerm) -> float:
    column, place = joined.names.index(term.name), ASSERTIONS.index(term.assertion)
    said = joined.assertions[:, column, place] * _narrowing(joined, term)
    stronger = top[column, _NONE + 1 : place]
    return float(said.max(initial=0.0) * np.prod(1.0 - stronger))


def _narrowing(joined: Joined, term: FindingTerm) -> FloatArray:
    """The chance [n] that what a sentence says of the finding lies within the term's narrowing."""
    parts = _parts(term)
    read = {member: _read(joined, part) for member, part in parts.items()}
    chance = np.prod([np.ones(len(joined.assertions)), *read.values()], axis=0)
    own: dict[int, list[Finding]] = {}
    for one in strongest([one for one in joined.findings if one.name == term.name]) if parts else ():
        own.setdefault(one.sentence, []).append(one)
    for place, told in own.items():
        chance[place] = max(
            float(np.prod([_within(one, told, member, part, read[member][place]) for member, part in parts.items()]))
            for one in told
        )
    return cast(FloatArray, chance)


def _parts(term: FindingTerm) -> dict[str, FindingTerm]:
    """The term narrowed by one member at a time: site, grade, value."""
    plain = replace(term, sites=(), grades=(), at_most=None, at_least=None)
    parts = {
        "site": replace(plain, sites=term.sites),
        "grade": replace(plain, grades=term.grades),
        "value": replace(plain, at_most=term.at_most, at_least=term.at_least),
    }
    return {member: part for member, part in parts.items() if part != plain}


def _read(joined: Joined, part: FindingTerm) -> FloatArray:
    """The chance [n] of one narrowing from the details; 0 where the reader knows no such detail."""
    found: dict[tuple[str, str | float], FloatArray] = {}
    found |= {(one.kind, one.value): joined.details[:, column] for column, one in columns(joined.spec, part.name)}
    zeros = np.zeros(len(joined.details))
    named = [*(("site", one) for one in part.sites), *(("grade", one) for one in part.grades)]
    if named:
        return cast(FloatArray, np.minimum(sum((found.get(key, zeros) for key in named), zeros), 1.0))
    asked = (("at_least", part.at_least), ("at_most", part.at_most))
    bounds = [found.get((kind, bound), zeros) for kind, bound in asked if bound is not None]
    return cast(FloatArray, np.maximum(sum(bounds, zeros) - (len(bounds) - 1), 0.0))


def _within(one: Finding, told: Sequence[Finding], member: str, part: FindingTerm, read: float) -> float:
    """The chance that a finding has one member of the narrowing; what it leaves open, the reader may tell."""
    if getattr(one, member) is not None:
        return float(part.matches(replace(one, assertion=part.assertion)))
    return 0.0 if any(getattr(other, member) is not None for other in told) else read
