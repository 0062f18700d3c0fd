"""Sentences of the corpus before they are spelled, typed and cased: slots filled, what they state beside them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fhir_mappings.inputs import Assertion, Section
from models.simulation.planning import pick
from models.simulation.reports import Stated
from models.simulation.wording import Noun, Topic, slots

Rng = np.random.Generator
Side = Literal["left", "right", "both"]
SIDES: tuple[Side, Side] = ("left", "right")

BOTH_SHARE, LETTER_SHARE = 0.05, 0.15
"""Phrases that tell both sides; requests that write a side as a letter (assumption)."""

_SLOT = re.compile(r"\{(\w+)\}")
_ARTICLE = re.compile(r"^(?:an?|the) ")
_AN = re.compile(r"\b([Aa])n? (?=[aeioAEIO8]|M[1-4C]|LVO|SVS|SAH|SDH|HMCAS|HI2|MLS)")
_TWICE = re.compile(r"\b(\w+) \1\b")


@dataclass(frozen=True)
class Draft:
    """A sentence that no pen has written yet; what it states has no text."""

    text: str
    section: Section
    stated: tuple[Stated, ...] = ()
    side: Side | None = None


def filled(text: str, words: Mapping[str, str], rng: Rng) -> str:
    """The text with its slots filled: by ``words`` where they name a slot, else from the table of slots."""

    def word(match: re.Match[str]) -> str:
        return words[match[1]] if match[1] in words else pick(slots()[match[1]], rng)

    return _TWICE.sub(r"\1", _AN.sub(r"\1n ", _SLOT.sub(word, text)))


def phrased(topic: Topic, noun: Noun, side: Side, rng: Rng) -> tuple[str, int | None]:
    """A noun phrase with its slots filled, and the number that it tells."""
    letter = topic.room == "history" and rng.random() < LETTER_SHARE
    told = "bilateral" if side == "both" else side[0].upper() if letter else side
    words, value = {"side": told, "other": opposite(side)}, None
    if "{n}" in noun.text:
        low, high, step = topic.numbers
        value = int(rng.integers(low // step, high // step + 1)) * step
        words["n"] = str(value)
    return filled(noun.text, words, rng), value


def claims(topic: Topic, noun: Noun, said: Assertion, value: int | None) -> tuple[Stated, ...]:
    """What a noun phrase states under an assertion: its own finding, then those that its words state as well."""
    own = Stated("", topic.name, said, noun.site, noun.grade, value)
    return (own, *(Stated("", name, said) for name in noun.also))


def forms(phrase: str) -> dict[str, str]:
    """What fills the braces of a frame: the phrase with and without article, and the verbs that agree."""
    noun = phrase.removeprefix("+")
    bare, many = _ARTICLE.sub("", noun), noun != phrase
    verbs = {"is": "are", "was": "were"} if many else {"is": "is", "was": "was"}
    return {"x": noun, "b": bare, "X": begun(noun), "B": begun(bare)} | verbs


def begun(text: str) -> str:
    """The text with a capital."""
    return text[:1].upper() + text[1:]


def drawn_side(noun: Noun, topic: Topic, rng: Rng) -> Side:
    """A side for a phrase; both in a few that can say so."""
    can = "the {side}" not in noun.text and "{other}" not in noun.text and topic.name != "midline_shift"
    return "both" if can and rng.random() < BOTH_SHARE else pick(SIDES, rng)


def opposite(side: Side) -> Side:
    """The other side."""
    return "left" if side == "right" else "right"


def section_of(place: str, rng: Rng) -> Section:
    """Where a sentence of a scan or of a room stands."""
    if place == "history":
        return "history"
    sections: tuple[Section, ...] = ("findings", "findings", "findings", "impression", "impression", "other")
    return pick(sections, rng)


def chained(drafts: Sequence[Draft], joint: str = ", ") -> Draft:
    """Drafts as one sentence; behind a comma what is denied comes last, so that no denial reaches what is there."""
    if joint == ", ":
        drafts = sorted(drafts, key=lambda draft: any(one.assertion == "absent" for one in draft.stated))
    first, *rest = (draft.text.rstrip(".") for draft in drafts)
    text = joint.join([first, *map(continued, rest)])
    side = next((draft.side for draft in drafts if draft.side), None)
    return Draft(text, drafts[0].section, tuple(one for draft in drafts for one in draft.stated), side)


def continued(text: str) -> str:
    """The text within a sentence; abbreviations keep their capital."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
