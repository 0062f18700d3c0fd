"""Labeled sentences for the training of a reader: widely phrased, from the training half of the phrases and beyond it.

The training half of the reports' phrases is widened by the noun phrases and cue words of the rules' lexicon
(``reading/*.toml``), each noun under every assertion that its finding can have, so that the assertion cannot be
guessed from the noun; by several statements in one sentence; and by sentences and near misses that state nothing.
The held-out half is never read. A sentence states each finding once.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from fhir_mappings.inputs import Assertion, Section
from models.simulation import half_drafts
from models.simulation.drafts import (
    SIDES,
    Draft,
    Rng,
    Side,
    begun,
    chained,
    claims,
    continued,
    drawn_side,
    filled,
    forms,
    phrased,
    section_of,
)  # fmt: skip
from models.simulation.grammar import spelled
from models.simulation.layout import layout
from models.simulation.phrasebook import half
from models.simulation.planning import pick
from models.simulation.reports import Stated
from models.simulation.typos import Typos
from models.simulation.wording import (
    Joint,
    Noun,
    Topic,
    Whole,
    asides,
    frames_of,
    joints,
    near_misses,
    plain,
    topics,
    wholes,
)  # fmt: skip

TYPO_SHARE = 0.01
"""Misspelt words: twice the share of the reports, so that slips are met in many words (assumption)."""

BRITISH_SHARE, CAPITALS_SHARE, LOWER_SHARE, UNENDED_SHARE = 0.3, 0.1, 0.05, 0.25
"""Sentences in British spelling, in upper and in lower case, and lines of requests without full stop (assumption)."""

ASIDE_SHARE = 0.2
"""Statements with words before or behind them that change nothing (assumption)."""

_DIRECTIONS = frozenset({"leftward", "rightward"})
_BOTH = re.compile(r"\b(?:both|bilateral(?:ly)?)\b", re.IGNORECASE)


@dataclass(frozen=True)
class LabeledSentence:
    """One sentence as an encoder sees it, and what it states: nothing where ``stated`` is empty.

    ``side`` is that of the findings stated, where the sentence tells one; of a midline shift, where it goes to.
    """

    text: str
    section: Section
    stated: tuple[Stated, ...]
    side: Side | None


def sentences(count: int, seed: int) -> tuple[LabeledSentence, ...]:
    """As many sentences as asked for: the same for the same seed, and a longer corpus begins with a shorter one."""
    rng = np.random.default_rng([seed, 6])
    spared = half("training").negations | layout().sides | _DIRECTIONS
    typos = Typos(TYPO_SHARE, spared, np.random.default_rng([seed, 7]))
    found: list[LabeledSentence] = []
    while len(found) < count:
        found += [_finished(draft, typos, rng) for draft in _drawn(rng)]
    return tuple(found[:count])


def _drawn(rng: Rng) -> Sequence[Draft]:
    """What one kind of drawing gives, each kind at its weight."""
    left = rng.random() * sum(KINDS.values())
    for kind, weight in KINDS.items():
        left -= weight
        if left < 0:
            return kind(rng)
    return ()


def contrasted(rng: Rng) -> Sequence[Draft]:
    """One noun phrase under every assertion that it can have."""
    topic = pick([one for one in topics().values() if any(one.nouns.values())], rng)
    noun = pick([noun for nouns in topic.nouns.values() for noun in nouns], rng)
    side = drawn_side(noun, topic, rng)
    can = [said for said in topic.says if noun in topic.nouns[said] and frames_of(topic.name, said)]
    return [_with_aside(_framed(topic, noun, said, side, rng), rng) for said in can]


def _framed(topic: Topic, noun: Noun, said: Assertion, side: Side, rng: Rng) -> Draft:
    frame = pick(frames_of(topic.name, said), rng)
    phrase, value = phrased(topic, noun, side, rng)
    text, told = filled(frame.text, forms(phrase), rng), side if "{side}" in noun.text else None
    return Draft(text, section_of(frame.room, rng), claims(topic, noun, said, value), told)


def _with_aside(draft: Draft, rng: Rng) -> Draft:
    """The draft, in some with words before or behind that change nothing; of the past they would."""
    past = any(one.assertion == "historical" for one in draft.stated)
    if rng.random() >= ASIDE_SHARE or (past and draft.section != "history") or draft.section == "comparison":
        return draft
    table = asides()["history" if draft.section == "history" else "imaging"]
    if rng.random() < 0.5 or draft.text.endswith("?"):
        return replace(draft, text=filled(pick(table.before, rng), {}, rng) + continued(draft.text))
    return replace(draft, text=draft.text + filled(pick(table.after, rng), {}, rng))


def spoken(rng: Rng) -> Sequence[Draft]:
    """One finding under one assertion, each pair of them equally likely: in a frame or in words of its own."""
    name, said = pick(pairs(), rng)
    topic, own = topics()[name], wholes().get((name, said), ())
    nouns = topic.nouns[said] if frames_of(name, said) else ()
    if not own or (nouns and rng.random() < 0.5):
        noun = pick(nouns, rng)
        return [_with_aside(_framed(topic, noun, said, drawn_side(noun, topic, rng), rng), rng)]
    return [_with_aside(_in_own_words(pick(own, rng), rng), rng)]


@cache
def pairs() -> tuple[tuple[str, Assertion], ...]:
    """Every finding with every assertion that it can have."""
    return tuple((topic.name, said) for topic in topics().values() for said in topic.says)


def _in_own_words(whole: Whole, rng: Rng) -> Draft:
    """A whole sentence on one finding."""
    topic, noun, side = topics()[whole.finding], Noun(whole.text, whole.also, whole.grade), pick(SIDES, rng)
    text, value = phrased(topic, noun, side, rng)
    section = section_of("imaging", rng) if whole.section == "findings" else whole.section
    told = side if "{side}" in whole.text else None
    return Draft(text, section, claims(topic, noun, whole.assertion, value), told)


def several(rng: Rng) -> Sequence[Draft]:
    """Noun phrases of different findings in one sentence; nothing where two of them would state the same finding."""
    joint, side = pick(joints()[pick(sorted(joints()), rng)], rng), pick(SIDES, rng)
    chosen = [(*pick(pick(_phrases(joint, said), rng), rng), said) for said in joint.says]
    words: dict[str, str] = {}
    stated: list[Stated] = []
    for place, (topic, noun, said) in enumerate(chosen):
        phrase, value = phrased(topic, noun, side, rng)
        words |= {f"{name}{place}": form for name, form in forms(phrase).items()}
        stated += claims(topic, noun, said, value)
    if len({one.finding for one in stated}) < len(stated):
        return ()
    told = side if any("{side}" in noun.text for _, noun, _ in chosen) else None
    return [Draft(filled(joint.text, words, rng), section_of(joint.room, rng), tuple(stated), told)]


@cache
def _phrases(joint: Joint, said: Assertion) -> tuple[tuple[tuple[Topic, Noun], ...], ...]:
    """By topic what a joint can assert so; requests ask about what images show, and tell what is long past of it."""
    about = "imaging" if said == "asked" else joint.room
    here = (one for one in topics().values() if one.room == about or (one.slow and said == "historical"))
    found = (
        tuple((one, noun) for noun in one.nouns.get(said, ()) if noun.bare or not joint.bare)
        for one in here
        if not (joint.fast and one.slow)
    )
    return tuple(nouns for nouns in found if nouns)


def together(rng: Rng) -> Sequence[Draft]:
    """Two to four sentences of one section as one; nothing where no two can stand together."""
    size = 2 + int(rng.random() * 3)
    kept: list[Draft] = []
    for _ in range(5 * size):
        for draft in pick((spoken, spoken, several, unrelated, near_miss), rng)(rng):
            if len(kept) < size and not draft.text.endswith("?") and _fits(draft, kept):
                kept.append(draft)
    return [chained(kept, pick(("; ", ", "), rng))] if len(kept) > 1 else ()


def _fits(draft: Draft, kept: Sequence[Draft]) -> bool:
    """True where the draft is of the same section and side as those kept, and of another finding."""
    names = {one.finding for other in kept for one in other.stated}
    sides = {other.side for other in (*kept, draft) if other.side}
    same = all(other.section == draft.section for other in kept)
    return same and len(sides) < 2 and names.isdisjoint(one.finding for one in draft.stated)


def unrelated(rng: Rng) -> Sequence[Draft]:
    """A sentence that states nothing."""
    section = pick(_PLAIN_SECTIONS, rng)
    return [Draft(filled(pick(plain()[section], rng), {"side": pick(SIDES, rng)}, rng), section)]


def near_miss(rng: Rng) -> Sequence[Draft]:
    """A sentence with words of a finding that it does not state."""
    name = pick(sorted(near_misses()), rng)
    sections: tuple[Section, ...] = ("history",) if topics()[name].room == "history" else _PLAIN_SECTIONS[1:4]
    return [Draft(filled(pick(near_misses()[name], rng), {"side": pick(SIDES, rng)}, rng), pick(sections, rng))]


_PLAIN_SECTIONS: tuple[Section, ...] = (
    "findings", "findings", "impression", "history", "history", "technique", "comparison",
)  # fmt: skip

KINDS: Mapping[Callable[[Rng], Sequence[Draft]], float] = {
    half_drafts.stated: 0.4, half_drafts.denied: 0.06, half_drafts.filler: 0.05, contrasted: 0.25, spoken: 0.6,
    several: 0.5, together: 0.3, unrelated: 0.25, near_miss: 0.25,
}  # fmt: skip
"""How often each kind of drawing is taken (assumption: about one sentence in six states nothing)."""


def _finished(draft: Draft, typos: Typos, rng: Rng) -> LabeledSentence:
    """The sentence as it is spelled, typed, ended and cased."""
    spelling, case, end = rng.random(3).tolist()
    text = typos.write(spelled(begun(draft.text.strip()), "training", british=spelling < BRITISH_SHARE))
    unended = draft.section == "history" and end < UNENDED_SHARE
    text = text if text.endswith((".", "?")) or unended else f"{text}."
    text = text.upper() if case < CAPITALS_SHARE else text.lower() if case > 1 - LOWER_SHARE else text
    side = draft.side or ("both" if draft.stated and _BOTH.search(text) else None)
    return LabeledSentence(text, draft.section, tuple(replace(one, text=text) for one in draft.stated), side)
