"""Every way to say a statement: constructions filled with noun phrases, prepared once per kind of report."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from models.simulation.phrasebook import Construction, Family, Half, Phrasing, half
from models.simulation.statements import Statement, plan

Ways = tuple[tuple[tuple[str, ...], ...], ...]
"""Texts by construction, then by family; patient's words such as ``{side}`` are still braces."""

VOICES = ("full", "telegraphic", "template")

_ARTICLE = re.compile(r"^(?:an?|the) ")
_A_BEFORE_VOWEL = re.compile(r"\b([Aa]) (?=[aeiou])")
_CAPITAL = {"{side}": "{Side}", "{other}": "{Other}", "{weak}": "{Weak}"}


@dataclass(frozen=True)
class Phrase:
    """One filled construction."""

    construction: Construction
    family: Family
    text: str


def _form(construction: Construction, statement: Statement) -> str | None:
    """The noun phrases that this construction takes for this statement; None where it cannot say it."""
    if construction.form is None:
        return statement.form
    kind = construction.form.partition("_")[0]
    needed = kind if kind in plan().special_forms else statement.state
    return construction.form if statement.form == needed else None


def _says(construction: Construction, scan: str, statement: Statement) -> bool:
    """True where the construction is for this scan, this state and this finding."""
    fits_about = not construction.about or statement.about in construction.about
    return scan in construction.scans and construction.state in ("any", statement.state) and fits_about


def _families(source: Half, scan: str, about: str, grade: str | None) -> Iterator[Family]:
    for family in source.families:
        if family.about == about and scan in family.scans and family.grade in (None, grade):
            yield family


def _with_slots(source: Half, noun: str, key: str | None) -> list[str]:
    """The noun phrase with each of the words for this site or grade; none where it has no word for it."""
    nouns = [noun]
    for name, words in source.slots.items():
        if f"{{{name}}}" in noun:
            nouns = [one.replace(f"{{{name}}}", word) for one in nouns for word in words.get(key or "", ())]
    return nouns


def _nouns(source: Half, family: Family, form: str, statement: Statement) -> list[str]:
    fallback = family.forms.get("present", ()) if form == "uncertain" else ()
    nouns = family.forms.get(form, fallback)
    return [one for noun in nouns for one in _with_slots(source, noun, statement.site or statement.grade)]


def _capital(text: str) -> str:
    for word, capital in _CAPITAL.items():
        if text.startswith(word):
            return capital + text[len(word) :]
    return text[:1].upper() + text[1:]


def _fill(frame: str, noun: str, label: str) -> str:
    """The frame with its noun phrase, with or without article, and the verb that agrees."""
    with_article = noun.removeprefix("+")
    bare = _ARTICLE.sub("", with_article)
    slots = {
        "{x}": bare, "{X}": _capital(bare), "{ax}": with_article, "{Ax}": _capital(with_article),
        "{is}": "are" if noun.startswith("+") else "is", "{Label}": label,
    }  # fmt: skip
    for slot, words in slots.items():
        frame = frame.replace(slot, words)
    return _A_BEFORE_VOWEL.sub(r"\1n ", frame)


def _frames(construction: Construction, family: Family, statement: Statement) -> list[tuple[str, str]]:
    """The frames with a label each; a bare label says no site, grade or number."""
    labels = family.forms.get("label", ())
    plain = statement.form == statement.state
    return [
        (frame, label)
        for frame in construction.frames
        if plain or "x}" in frame.lower() or "{" in frame.replace("{Label}", "")
        for label in (labels if "{Label}" in frame else ("",))
    ]


def phrases_of(phrasing: Phrasing, scan: str, statement: Statement) -> Iterator[Phrase]:
    """Every phrase of a half that makes this statement on this scan, in American spelling."""
    source = half(phrasing)
    for construction in source.constructions:
        form = _form(construction, statement) if _says(construction, scan, statement) else None
        for family in _families(source, scan, statement.about, statement.grade) if form else ():
            for noun in _nouns(source, family, form or "", statement):
                for frame, label in _frames(construction, family, statement):
                    yield Phrase(construction, family, _fill(frame, noun, label))


@cache
def _american_to_british(phrasing: Phrasing) -> tuple[re.Pattern[str], Mapping[str, str]]:
    table = half(phrasing).british
    both = {**table} | {_capital(a): _capital(b) for a, b in table.items()}
    return re.compile("|".join(both)), both


def spelled(text: str, phrasing: Phrasing, british: bool) -> str:
    """The text in American or British spelling."""
    if not british:
        return text
    pattern, table = _american_to_british(phrasing)
    return pattern.sub(lambda match: table[match[0]], text)


def _heard(voice: str, phrases: list[Phrase]) -> list[Phrase]:
    """The phrases of this voice; a template without one is filled in telegraphic style."""
    wanted = ("template",) if voice == "template" else (voice, "any")
    found = [phrase for phrase in phrases if phrase.construction.voice in wanted]
    return found or _heard("telegraphic", phrases)


@cache
def ways(phrasing: Phrasing, scan: str, voice: str, british: bool) -> Mapping[str, Ways]:
    """The ways to make each statement of a scan, by its id."""
    found: dict[str, Ways] = {}
    for statement in (one for several in plan().scans[scan].statements.values() for one in several):
        grouped: dict[str, dict[str, list[str]]] = {}
        for phrase in _heard(voice, list(phrases_of(phrasing, scan, statement))):
            families = grouped.setdefault(phrase.construction.id, {})
            families.setdefault(phrase.family.id, []).append(spelled(phrase.text, phrasing, british))
        found[statement.id] = tuple(tuple(map(tuple, families.values())) for families in grouped.values())
    return found


@cache
def list_frames(phrasing: Phrasing, scan: str, voice: str) -> tuple[tuple[str, ...], ...]:
    """The frames of each construction that denies several findings at once."""
    spoken = ("telegraphic", "any") if voice == "template" else (voice, "any")
    return tuple(one.frames for one in half(phrasing).lists if scan in one.scans and one.voice in spoken)


@cache
def listed(phrasing: Phrasing, scan: str, about: str, british: bool) -> tuple[tuple[str, ...], ...]:
    """The short noun phrases of a finding in such a list, by family."""
    families = _families(half(phrasing), scan, about, None)
    return tuple(
        tuple(spelled(noun, phrasing, british) for noun in family.forms["listed"])
        for family in families if "listed" in family.forms
    )  # fmt: skip


def joined(frame: str, items: list[str]) -> str:
    """A list frame with its items."""
    first, last = ", ".join(items[:-1]), items[-1]
    words = {"or": f"{first} or {last}", "nor": f"{first} nor {last}", "and": f"{first} and {last}"}
    return frame.format(**words, And=_capital(words["and"]))
