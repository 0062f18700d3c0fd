"""Drafts in the words of the training half: a statement of the plan, several denied together, and fillers."""

import re
from collections.abc import Sequence

from fhir_mappings.inputs import Section
from models.simulation.drafts import SIDES, Draft, Rng, Side, chained, filled, opposite, section_of
from models.simulation.grammar import VOICES, joined, list_frames, listed, ways
from models.simulation.layout import layout
from models.simulation.phrasebook import IMAGING, half
from models.simulation.planning import pick
from models.simulation.reports import Stated
from models.simulation.statements import Statement, plan

SCANS = (*IMAGING, "history")
_COMPLAINTS, _DENIED = 3, 4
"""Most complaints, and most denials, of one sentence, as in the reports."""

_OWN, _OTHER = re.compile(r"\{[sS]ide\}"), re.compile(r"\{(?:[oO]ther|[wW]eak)\}")


def stated(rng: Rng) -> Sequence[Draft]:
    """A statement of the plan; complaints of a request one to three together."""
    scan, side = pick(SCANS, rng), pick(SIDES, rng)
    statements = plan().scans[scan].statements
    about, state = pick(sorted(statements), rng)
    if scan != "history" or state != "present":
        return [_worded(scan, pick(statements[about, state], rng), side, rng)]
    complaints = [key for key in sorted(statements) if key[1] == "present"]
    chosen = rng.choice(len(complaints), 1 + int(rng.random() * _COMPLAINTS), replace=False)
    return [chained([_worded(scan, pick(statements[complaints[place]], rng), side, rng) for place in chosen])]


def denied(rng: Rng) -> Sequence[Draft]:
    """Several findings denied in one sentence."""
    scan, voice = pick(SCANS, rng), pick(("full", "telegraphic"), rng)
    abouts = sorted(plan().scans[scan].listed)
    size = min(len(abouts), 2 + int(rng.random() * (_DENIED - 1)))
    chosen = [abouts[place] for place in rng.choice(len(abouts), size, replace=False)]
    nouns = [pick(pick(listed("training", scan, about, False), rng), rng) for about in chosen]
    text = joined(pick(pick(list_frames("training", scan, voice), rng), rng), nouns)
    return [Draft(text, section_of(scan, rng), tuple(Stated("", about, "absent") for about in chosen))]


def filler(rng: Rng) -> Sequence[Draft]:
    """A sentence that states nothing: of the training half, or of the lines that both halves share."""
    scan, source = pick(IMAGING, rng), half("training")
    options: tuple[tuple[Section, tuple[str, ...]], ...] = (
        ("findings", source.fillers[scan]),
        ("history", source.openings),
        ("technique", layout().technique[scan]),
    )
    section, texts = pick(options, rng)
    sex = pick(("male", "female"), rng)
    return [Draft(filled(pick(texts, rng), {"sex": sex, "Sex": sex.capitalize()}, rng), section)]


def _worded(scan: str, statement: Statement, side: Side, rng: Rng) -> Draft:
    voice = "full" if scan == "history" else pick(VOICES, rng)
    template = pick(pick(pick(ways("training", scan, voice, False)[statement.id], rng), rng), rng)
    words, value = _patient(statement, side, rng)
    told = tuple(
        Stated("", name, statement.assertion, statement.site, statement.grade, value)
        for name in (statement.finding, *statement.also)
    )
    return Draft(filled(template, words, rng), section_of(scan, rng), told, _told_side(template, statement.about, side))


def _patient(statement: Statement, side: Side, rng: Rng) -> tuple[dict[str, str], int | None]:
    """The words that fill a phrase, and the number that it states; every number is equally likely."""
    points, shift, percent = int(rng.integers(0, 11)), int(rng.integers(1, 19)), 5 * int(rng.integers(1, 20))
    value = {"aspects": points, "midline_shift": shift, "stenosis": percent}.get(statement.about)
    other = opposite(side)
    words: dict[str, str] = {"side": side, "other": other, "weak": other}
    words |= {name.capitalize(): word.capitalize() for name, word in words.items()}
    words |= {"mm": str(shift), "cm": str(shift / 10), "points": str(points), "percent": str(percent)}
    return words, value if statement.value else None


def _told_side(template: str, about: str, side: Side) -> Side | None:
    """The side that a phrase tells; a shift away from a side goes to the other."""
    own, other = _OWN.search(template), _OTHER.search(template)
    if about == "midline_shift" and (own or other):
        return opposite(side)
    return side if own else opposite(side) if other else None
