"""How a request or a note says a symptom: present, absent, historical or uncertain.

History lines are telegraphic lists: "no slurring no droop, L arm weak since 9". A statement ends at a full stop, a
semicolon or "but"; commas and brackets part it into phrases. A cue acts within its phrase; a negation goes on
through a list, and what is over may be said in the phrase behind. The cues stand in the lexicon of symptoms.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhir_mappings.inputs import Assertion
from fhir_mappings.text.sides import side_near
from fhir_mappings.text.spelling import LEXICON

_PHRASE_END = re.compile(r",(?!\d)|[()\[\]]")
_STATEMENT_END = re.compile(r";|\n|(?<=\w)\?+(?=\s)|\.(?=\s|$)|\s[-–—]+\s")
_LIST_END = re.compile(r"\b(?:or|nor)\b")
_FEW_WORDS = re.compile(r"\W*(?:[\w'/+-]+\W+){0,4}")
_JOINED = re.compile(r"\b(?:and|with|then)\b")
_QUOTES = re.compile(r"[\"“”]|(?<!\w)'|'(?!\w)")
_BARE_WORDS = 2
"""Words beside the mention in a phrase that still reads as one item of a negated list."""


@cache
def symptom_lexicon() -> Mapping[str, Any]:
    """The lexicon of symptoms as it is written."""
    return tomllib.loads((LEXICON / "symptoms.toml").read_text("utf-8"))


@cache
def _cue(name: str) -> re.Pattern[str]:
    """The cues of one kind, the longest first; one of punctuation may touch a word: "?droop"."""
    words = "|".join(sorted(symptom_lexicon()["cues"][name], key=len, reverse=True))
    return re.compile(rf"(?:(?<![\w/])|(?=[?:(]))(?:{words})(?:(?<=\W)|(?!\w))")


@cache
def _labels() -> re.Pattern[str]:
    """What a template says first: "speech: slurred", "face - droop"."""
    return re.compile(rf"\b({'|'.join(symptom_lexicon()['cues']['labels'])})(?: ?[:=]| -) (?=\w)")


@cache
def _abbreviations() -> frozenset[str]:
    return frozenset(symptom_lexicon()["cues"]["abbreviations"])


@dataclass(frozen=True)
class Statement:
    """A piece of lower-case text that cues do not reach beyond; ``then`` is the piece behind it."""

    text: str
    then: str


@dataclass(frozen=True)
class _Place:
    """A mention in its statement: the phrase around it begins at ``begin`` and ends at ``finish``."""

    statement: Statement
    begin: int
    start: int
    end: int
    finish: int

    @property
    def text(self) -> str:
        return self.statement.text

    @property
    def before(self) -> str:
        return self.text[self.begin : self.start]

    @property
    def after(self) -> str:
        return self.text[self.end : self.finish]

    @property
    def phrase(self) -> str:
        return self.text[self.begin : self.finish]


def statements_of(text: str) -> tuple[Statement, ...]:
    """A text in lower case, cut at full stops, semicolons, dashes and words such as "but"."""
    pieces = [one for piece in _cut(_plain(text)) for one in _cue("ends").split(piece) if one.strip(" .")]
    return tuple(map(Statement, pieces, [*(piece.strip() for piece in pieces[1:]), ""]))


def _plain(text: str) -> str:
    """In lower case; "w/o" and "w/" in words, "speech: slurred" as "speech slurred"."""
    text = (
        _QUOTES.sub("", text.lower().replace("’", "'"))
        .replace("w/o ", "without ")
        .replace(" w/ ", " with ")
        .replace("b/l ", "bilateral ")
    )
    for wrong, right in symptom_lexicon()["spelling"].items():
        text = text.replace(wrong, right)
    return _labels().sub(r"\1 ", text)


def _cut(text: str) -> Iterator[str]:
    begin = 0
    for match in _STATEMENT_END.finditer(text):
        if match[0] == "." and text[begin : match.start()].rpartition(" ")[2].lstrip("(") in _abbreviations():
            continue
        yield text[begin : match.end()]
        begin = match.end()
    yield text[begin:]


def assertion_of_symptom(statement: Statement, start: int, end: int) -> Assertion | None:
    """How a statement says the symptom that it mentions at ``start:end``; None where it is not said of the patient."""
    place = _place(statement, start, end)
    if _cue("never").search(place.before):
        return None
    if _is_negated(place) or _is_listed(place) or _cue("absent_after").match(place.after.strip()):
        return "absent"
    if is_over(statement, start, end) or _is_past(place):
        return "historical"
    return "uncertain" if _is_doubted(place) else "present"


def is_over(statement: Statement, start: int, end: int) -> bool:
    """True where what stands behind the mention says that it is past, or gone."""
    place = _place(statement, start, end)
    if _cue("not_past").search(place.phrase):
        return False
    return _cue("past_after").search(place.after) is not None or _is_over_then(place)


def _place(statement: Statement, start: int, end: int) -> _Place:
    begins = [match.end() for match in _PHRASE_END.finditer(statement.text, 0, start)]
    behind = _PHRASE_END.search(statement.text, end)
    finish = behind.start() if behind else len(statement.text)
    return _Place(statement, begins[-1] if begins else 0, start, end, finish)


def _is_negated(place: _Place) -> bool:
    """True for a negation in the same phrase."""
    for negation in _negations(place.text, place.begin, place.start):
        gap = place.text[negation.end() : place.start]
        new = _JOINED.search(gap) and _cue("onset").search(place.after)
        if not new and not _stopped(place, negation.end()):
            return True
    return False


def _is_listed(place: _Place) -> bool:
    """True where a negation in a phrase before goes on: "denies headache, weakness"."""
    for negation in _negations(place.text, 0, place.begin):
        if _stopped(place, negation.end()) or _cue("onset").search(place.text, negation.end(), place.finish):
            continue
        if _cue("carries").match(place.text, negation.start()) or _ends_list(place):
            return True
        if not _LIST_END.search(place.text, negation.end(), place.begin) and _is_bare(place):
            return True
    return False


def _negations(text: str, begin: int, end: int) -> list[re.Match[str]]:
    """The negations between two places, without what only looks like one."""
    apparent = [match.span() for match in _cue("no_negation").finditer(text, begin) if match.end() <= end + 1]
    return [
        one
        for one in _cue("negates").finditer(text, begin, end)
        if not any(start <= one.start() < stop for start, stop in apparent)
    ]


def _stopped(place: _Place, begin: int) -> bool:
    """True where a word between ``begin`` and the mention ends what a negation says."""
    stop = _cue("stops_negation").search(place.text, begin, min(place.end, place.start + 12))
    return stop is not None and stop.start() < place.start


def _ends_list(place: _Place) -> bool:
    """True where an "or" joins the mention to the list before it, or to the item behind it."""
    return _LIST_END.search(place.before) is not None or _LIST_END.match(place.after.strip()) is not None


def _is_bare(place: _Place) -> bool:
    """True where the phrase holds little but the mention, and no side: an item of a list, no new statement."""
    beside = f"{place.before} {place.after}".split()
    return len(beside) <= _BARE_WORDS and side_near(place.phrase, 0, len(place.phrase)) is None


def _is_past(place: _Place) -> bool:
    if _cue("not_past").search(place.phrase):
        return False
    stops = [match.end() for match in _cue("stops_past").finditer(place.before)]
    for past in _cue("past").finditer(place.before):
        if not any(stop > past.start() for stop in stops) and _reaches(place, place.before[past.end() :]):
            return True
    direct = (place.before[past.end() :] for past in _cue("past_direct").finditer(place.before))
    return any(_FEW_WORDS.fullmatch(gap) and not _JOINED.search(gap) for gap in direct) or _is_in_past_list(place)


def _reaches(place: _Place, gap: str) -> bool:
    """True where little stands between, or a past event that has the symptom: "previous stroke with hemiparesis"."""
    if _cue("past_events").search(gap):
        return not _cue("onset").search(place.after)
    return _FEW_WORDS.fullmatch(gap) is not None and not re.search(r"\bwith\b", gap)


def _is_in_past_list(place: _Place) -> bool:
    """True in a list under a heading such as PMH, up to what is new."""
    for past in _cue("past_list").finditer(place.text, 0, place.start):
        if not _cue("stops_past").search(place.text, past.end(), place.start) and not _cue("onset").search(place.after):
            return True
    return False


def _is_over_then(place: _Place) -> bool:
    """True where a phrase behind, or the next statement, begins by saying that it is over."""
    for number, phrase in enumerate(_PHRASE_END.split(place.text[place.finish + 1 :])[:4]):
        said = phrase.strip(" .")
        if (number == 0 and _cue("past_then").match(said)) or _cue("over_then").match(said):
            return True
        if _cue("not_past").search(said) or len(said.split()) > 6:
            return False
    return _cue("over_then").match(place.statement.then) is not None


def _is_doubted(place: _Place) -> bool:
    for doubt in _cue("doubts").finditer(place.before):
        gap = place.before[doubt.end() :]
        if not _cue("stops_doubt").search(gap) and len(gap.split()) <= 8:
            return True
    return re.match(rf"(?: \w+){{0,2}}? ?(?:{_cue('doubt_after').pattern})", place.after) is not None
