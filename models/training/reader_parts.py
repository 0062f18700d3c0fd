"""What a reader is trained towards: sentences as targets, and the wording that validation keeps for itself."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from fhir_mappings.text.finding_rules import lexicon, whole
from fhir_mappings.text.symptoms import symptoms
from models.reader import ASSERTIONS, SIDES, Detail, ReaderSpec

LINKS = (". ", "; ", " - ", ", ", " ")
LONGEST = 3  # sentences in a chain
RARE = 50  # a site or grade that fewer sentences state is not learned (assumption)


class States(Protocol):
    """One thing that a sentence states."""

    @property
    def finding(self) -> str:
        """The finding's name."""

    @property
    def assertion(self) -> str:
        """How it is stated."""

    @property
    def site(self) -> str | None:
        """Where, if said."""

    @property
    def grade(self) -> str | None:
        """How much, if said."""

    @property
    def value(self) -> float | None:
        """The number, if said."""


class Labeled(Protocol):
    """One sentence of a corpus."""

    @property
    def text(self) -> str:
        """As the encoder will see it."""

    @property
    def stated(self) -> Sequence[States]:
        """What it states; empty where it states nothing."""

    @property
    def side(self) -> str | None:
        """Of the findings stated, where it says one."""


@dataclass(frozen=True)
class Targets:
    """What n sentences state, as tensors."""

    assertions: Tensor  # [n, N] places in ASSERTIONS
    details: Tensor  # [n, D] 1.0 where the detail is stated
    sides: Tensor  # [n] places in SIDES

    def at(self, rows: Sequence[int]) -> "Targets":
        """The targets of these sentences."""
        return Targets(self.assertions[rows], self.details[rows], self.sides[rows])


@dataclass(frozen=True)
class Lessons:
    """Labeled sentences, prepared."""

    texts: tuple[str, ...]
    targets: Targets

    def __len__(self) -> int:
        return len(self.texts)


def lessons(corpus: Sequence[Labeled], spec: ReaderSpec) -> Lessons:
    """The sentences with their targets."""
    return Lessons(tuple(one.text for one in corpus), targets_of(corpus, spec))


@dataclass(frozen=True)
class Chain:
    """Several sentences run together, as in telegraphic notes: each finding keeps its own assertion."""

    text: str
    stated: tuple[States, ...]
    side: str | None


def chained(corpus: Sequence[Labeled], share: float, seed: int) -> list[Chain]:
    """The corpus in its order, this share of it joined to what stands before, two or three sentences at most.

    So a reader learns which words an assertion belongs to, in "no bleed; left M1 occluded".
    """
    rng, chains = np.random.default_rng([seed, 8]), list[Chain]()
    length = 0
    for one in corpus:
        length = length + 1 if length and length < LONGEST and rng.random() < share else 1
        link = LINKS[int(rng.random() * len(LINKS))]
        plain = Chain(one.text, tuple(one.stated), one.side)
        if length == 1:
            chains.append(plain)
        else:
            chains[-1] = _run_together(chains[-1], plain, link)
    return chains


def _run_together(first: Chain, second: Chain, link: str) -> Chain:
    denied = any(one.assertion != "present" for one in first.stated)  # "no A, B" would deny both
    link = "; " if link == ", " and denied else link
    sides = {one.side for one in (first, second) if one.side}
    side = sides.pop() if len(sides) == 1 else "both" if sides else None
    begun = first.text if link == " " else first.text.rstrip(".")
    return Chain(begun + link + second.text, (*first.stated, *second.stated), side)


def spec_of(corpus: Sequence[Labeled], bounds: Sequence[Detail]) -> ReaderSpec:
    """All findings of the lexicon, and the sites and grades that the corpus states often enough, then the bounds."""
    names = (*(rule.name for rule in lexicon()[1]), *symptoms())
    stated = [one for sentence in corpus for one in sentence.stated]
    sites = Counter(Detail(one.finding, "site", one.site) for one in stated if one.site)
    grades = Counter(Detail(one.finding, "grade", one.grade) for one in stated if one.grade)
    often = [one for one, count in (sites + grades).items() if count >= RARE]
    return ReaderSpec(names, (*sorted(often, key=lambda one: (one.finding, one.kind, str(one.value))), *bounds))


def targets_of(corpus: Sequence[Labeled], spec: ReaderSpec) -> Targets:
    """The targets of a corpus; of a finding stated twice in a sentence, the stronger assertion and what it says."""
    assertions = torch.zeros(len(corpus), len(spec.names), dtype=torch.long)
    details = torch.zeros(len(corpus), len(spec.details))
    for row, sentence in enumerate(corpus):
        for one in _strongest(sentence.stated):
            assertions[row, spec.names.index(one.finding)] = ASSERTIONS.index(one.assertion)
            for column, detail in enumerate(spec.details):
                if detail.finding == one.finding and _has(one, detail):
                    details[row, column] = 1.0
    sides = torch.tensor([SIDES.index(one.side or SIDES[0]) for one in corpus], dtype=torch.long)
    return Targets(assertions, details, sides)


def _strongest(stated: Sequence[States]) -> list[States]:
    ranks: dict[str, int] = {}
    for one in stated:
        rank = ASSERTIONS.index(one.assertion)
        ranks[one.finding] = min(rank, ranks.get(one.finding, rank))
    return [one for one in stated if ASSERTIONS.index(one.assertion) == ranks[one.finding]]


def _has(stated: States, detail: Detail) -> bool:
    if detail.kind in ("site", "grade"):
        return bool(getattr(stated, detail.kind) == detail.value)
    if stated.value is None:
        return False
    bound = float(detail.value)
    return stated.value >= bound if detail.kind == "at_least" else stated.value <= bound


def by_wording(corpus: Sequence[Labeled], kept: Mapping[str, Any]) -> tuple[list[Labeled], list[Labeled]]:
    """Sentences in none of the kept wording, and those that state something in it: new nouns, new cues."""
    wording = whole([*kept["nouns"], *kept["cues"]], {})
    has = [wording.search(one.text.lower()) is not None for one in corpus]
    training = [one for one, held in zip(corpus, has, strict=True) if not held]
    return training, [one for one, held in zip(corpus, has, strict=True) if held and one.stated]
