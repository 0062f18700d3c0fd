"""The words of the sentence corpus, read once from ``reading/*.toml``; those files say what each part means."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast

from fhir_mappings.inputs import Assertion, Section

READING = Path(__file__).parent / "reading"

Room = Literal["imaging", "history"]
"""Whether a report sees a finding or a request tells it."""


@dataclass(frozen=True)
class Noun:
    """One noun phrase of a finding; ``also``, ``grade`` and ``site`` are what the same words state beside it."""

    text: str
    also: tuple[str, ...] = ()
    grade: str | None = None
    site: str | None = None

    @property
    def bare(self) -> bool:
        """True where it says nothing beside its finding."""
        return "{" not in self.text and self.grade is None and self.site is None


@dataclass(frozen=True)
class Topic:
    """One finding: how it can be asserted, and its noun phrases by assertion; ``slow`` where it is never new."""

    name: str
    room: Room
    says: tuple[Assertion, ...]
    nouns: Mapping[Assertion, tuple[Noun, ...]]
    slow: bool = False
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Frame:
    """What puts a noun phrase of a topic of the room ``about`` into one assertion."""

    text: str
    room: Room
    about: Room
    assertion: Assertion
    fast: bool = False
    only: tuple[str, ...] = ()
    not_for: tuple[str, ...] = ()

    def suits(self, topic: Topic, assertion: Assertion) -> bool:
        """True where the frame can say this of the topic."""
        named = topic.name in self.only if self.only else topic.name not in self.not_for
        return named and self.about == topic.room and self.assertion == assertion and not (self.fast and topic.slow)


@dataclass(frozen=True)
class Whole:
    """A sentence that states one finding in words of its own."""

    text: str
    finding: str
    assertion: Assertion
    section: Section
    also: tuple[str, ...] = ()
    grade: str | None = None


@dataclass(frozen=True)
class Joint:
    """What puts several noun phrases into one sentence; ``bare`` where only phrases without slots may stand."""

    text: str
    room: Room
    says: tuple[Assertion, ...]
    fast: bool = False
    bare: bool = False


def _table(name: str) -> Mapping[str, Any]:
    return tomllib.loads((READING / f"{name}.toml").read_text("utf-8"))


@cache
def slots() -> Mapping[str, tuple[str, ...]]:
    """The words that fill a slot, by its name."""
    return {name: tuple(words) for name, words in _table("words")["slot"].items()}


def _nouns(rows: list[Mapping[str, Any]], assertion: Assertion) -> tuple[Noun, ...]:
    fitting = (row for row in rows if assertion in row.get("only", (assertion,)))
    return tuple(
        Noun(text, tuple(row.get("also", ())), row.get("grade"), row.get("site"))
        for row in fitting
        for text in row["texts"]
    )


@cache
def topics() -> Mapping[str, Topic]:
    """Every finding that the corpus speaks of, by its name."""
    found = {}
    for name, row in _table("nouns")["finding"].items():
        says: tuple[Assertion, ...] = tuple(row["says"])
        nouns = {assertion: _nouns(row.get("noun", []), assertion) for assertion in says}
        found[name] = Topic(name, row["room"], says, nouns, row.get("slow", False), tuple(row.get("numbers", ())))
    return found


def _rows(table: str, kind: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Each text of a file with the row it stands in."""
    yield from ((row, text) for row in _table(table)[kind] for text in row["texts"])


@cache
def frames_of(name: str, assertion: Assertion) -> tuple[Frame, ...]:
    """The frames that put a topic's noun phrases into an assertion."""
    return tuple(frame for frame in _frames() if frame.suits(topics()[name], assertion))


@cache
def _frames() -> tuple[Frame, ...]:
    return tuple(
        Frame(
            text, row["room"], row.get("about", row["room"]), row["assertion"], row.get("fast", False),
            tuple(row.get("only", ())), tuple(row.get("not_for", ())),
        )
        for row, text in _rows("frames", "frame")
    )  # fmt: skip


@cache
def joints() -> Mapping[tuple[str, tuple[Assertion, ...]], tuple[Joint, ...]]:
    """The sentences of several noun phrases, by room and what they say."""
    found: dict[tuple[str, tuple[Assertion, ...]], tuple[Joint, ...]] = {}
    for row, text in _rows("frames", "joint"):
        key = (row["room"], tuple(row["says"]))
        found[key] = (*found.get(key, ()), Joint(text, *key, row.get("fast", False), row.get("bare", False)))
    return found


@cache
def wholes() -> Mapping[tuple[str, Assertion], tuple[Whole, ...]]:
    """The sentences in words of their own, by finding and assertion; imaging sentences stand in the findings."""
    found: dict[tuple[str, Assertion], tuple[Whole, ...]] = {}
    for row, text in _rows("whole", "whole"):
        section = cast(Section, {"imaging": "findings"}.get(row.get("room", "imaging"), row.get("room")))
        whole = Whole(text, row["of"], row["assertion"], section, tuple(row.get("also", ())), row.get("grade"))
        found[whole.finding, whole.assertion] = (*found.get((whole.finding, whole.assertion), ()), whole)
    return found


@dataclass(frozen=True)
class Asides:
    """What can be said before and behind a statement of a room without changing it."""

    before: tuple[str, ...]
    after: tuple[str, ...]


@cache
def asides() -> Mapping[str, Asides]:
    """The asides by room."""
    return {row["room"]: Asides(tuple(row["before"]), tuple(row["after"])) for row in _table("asides")["aside"]}


@cache
def plain() -> Mapping[Section, tuple[str, ...]]:
    """Sentences that state no finding, by section."""
    return {cast(Section, section): tuple(texts) for section, texts in _table("plain")["plain"].items()}


@cache
def near_misses() -> Mapping[str, tuple[str, ...]]:
    """Sentences that use a finding's words and do not state it, by the finding."""
    return {name: tuple(texts) for name, texts in _table("plain")["near"].items()}
