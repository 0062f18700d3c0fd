"""What the sentences of the reports say: stroke findings with assertion, side, site, grade and number."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from fhir_mappings.inputs import Assertion, Finding, Sentence
from fhir_mappings.text import numbers
from fhir_mappings.text.assertion import LEXICON, assertion_of, clauses

_FILES = ("language.toml", "imaging.toml", "symptoms.toml")
_STRENGTH: tuple[Assertion, ...] = ("present", "uncertain", "absent", "historical", "asked")
_NUMBERS = {"aspects": numbers.aspects, "millimeters": numbers.millimeters, "percent": numbers.percent}
_SIDES = re.compile(r"\b(left|right|bilateral|both)\b")
_SITES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("tandem", re.compile(r"\btandem\b")),
    ("m1", re.compile(r"\bm1\b")),
    ("m2", re.compile(r"\bm2\b")),
    ("m3", re.compile(r"\bm3\b")),
    ("ica", re.compile(r"\b(?:ica|internal carotid|carotid (?:t|terminus)|t-occlusion)\b")),
    ("basilar", re.compile(r"\bbasilar\b")),
    ("vertebral", re.compile(r"\bvertebral\b")),
    ("aca", re.compile(r"\b(?:aca|a1|a2|anterior cerebral)\b")),
    ("pca", re.compile(r"\b(?:pca|p1|p2|posterior cerebral)\b")),
)


@dataclass(frozen=True)
class FindingRule:
    """One entry of the lexicon, compiled."""

    name: str
    label: str
    says: re.Pattern[str]
    normal: re.Pattern[str] | None
    absent_only: re.Pattern[str] | None
    not_with: re.Pattern[str] | None
    not_when: re.Pattern[str] | None
    needs: re.Pattern[str] | None
    historical_with: re.Pattern[str] | None
    grades: Mapping[str, re.Pattern[str]]
    number: str | None
    always: Assertion | None
    symptom: bool


def read_findings(sentences: Sequence[Sentence]) -> tuple[Finding, ...]:
    """Every finding that a sentence mentions, at most once a sentence: its strongest mention."""
    return tuple(
        finding for place, sentence in enumerate(sentences) for finding in _in_sentence(sentence, place) if finding
    )


@cache
def lexicon() -> tuple[str, tuple[FindingRule, ...]]:
    """The version of the lexicon and its rules."""
    about, *files = (tomllib.loads((LEXICON / name).read_text("utf-8")) for name in _FILES)
    return about["version"], tuple(_rule(row) for file in files for row in file["finding"])


def label_of(name: str) -> str:
    """What a card calls a finding."""
    return next(rule.label for rule in lexicon()[1] if rule.name == name)


def _rule(row: Mapping[str, object]) -> FindingRule:
    def pattern(key: str) -> re.Pattern[str] | None:
        phrases = row.get(key)
        return _compiled(phrases) if isinstance(phrases, list) else None

    grades = row.get("grades")
    return FindingRule(
        name=str(row["name"]),
        label=str(row["label"]),
        says=pattern("says") or re.compile("(?!)"),
        normal=pattern("normal"),
        absent_only=pattern("absent_only"),
        not_with=pattern("not_with"),
        not_when=pattern("not_when"),
        needs=pattern("needs"),
        historical_with=pattern("historical_with") or pattern("self_historical"),
        grades={grade: _compiled(words) for grade, words in grades.items()} if isinstance(grades, dict) else {},
        number=str(row["number"]) if "number" in row else None,
        always="present" if row.get("always") == "present" else None,
        symptom=row.get("symptom") is True,
    )


def _compiled(phrases: list[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)")


def _in_sentence(sentence: Sentence, place: int) -> list[Finding]:
    text = sentence.text.lower()
    spans = clauses(text)
    found = (_strongest(rule, text, spans, sentence, place) for rule in lexicon()[1])
    return [finding for finding in found if finding]


def _strongest(
    rule: FindingRule, text: str, spans: Sequence[tuple[int, int]], sentence: Sentence, place: int
) -> Finding | None:
    mentions = [finding for start, end in spans for finding in _mentions(rule, text[start:end], sentence, place)]
    return min(mentions, key=lambda one: _STRENGTH.index(one.assertion), default=None)


def _mentions(rule: FindingRule, clause: str, sentence: Sentence, place: int) -> list[Finding]:
    """The mentions of one finding in one clause."""
    if (rule.not_with and rule.not_with.search(clause)) or (rule.needs and not rule.needs.search(clause)):
        return []
    normal = [match.span() for match in rule.normal.finditer(clause)] if rule.normal else []
    says = [match for match in rule.says.finditer(clause) if not any(_near(match.span(), span) for span in normal)]
    found = [_finding(rule, clause, match, sentence, place) for match in says]
    # "Left M1 patent, right M1 occluded": one open vessel hides no closed one.
    found += [Finding(rule.name, "absent", place)] if normal else []
    found = [one for one in found if one.assertion != "present" or not (rule.not_when and rule.not_when.search(clause))]
    if not found and rule.absent_only:
        bare = (_finding(rule, clause, match, sentence, place) for match in rule.absent_only.finditer(clause))
        found = [one for one in bare if one.assertion in ("absent", "asked")]
    return found


def _finding(rule: FindingRule, clause: str, match: re.Match[str], sentence: Sentence, place: int) -> Finding:
    said: Assertion = rule.always or assertion_of(
        clause, match.start(), match.end(), section=sentence.section, symptom=rule.symptom
    )
    if said != "absent" and rule.historical_with:
        past = any(_near(other.span(), match.span()) for other in rule.historical_with.finditer(clause))
        # An old infarct seen on this scan is present; one in the history is historical.
        said = "historical" if past else ("present" if rule.name == "old_infarct" and said == "historical" else said)
    read = _NUMBERS[rule.number] if rule.number and said in ("present", "uncertain") else None
    grade = next((grade for grade, words in rule.grades.items() if words.search(clause)), None)
    return Finding(
        name=rule.name,
        assertion=said,
        sentence=place,
        side=_side(clause, match.start()),
        site=_site(clause) if rule.name == "occlusion" and said != "absent" else None,
        grade=grade,
        value=read(match[0] if rule.number == "aspects" else clause) if read else None,
    )


def _near(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """True where two spans overlap or all but touch, as in "micro-hemorrhage"."""
    return one[0] <= other[1] + 1 and other[0] <= one[1] + 1


def _side(clause: str, start: int) -> Literal["left", "right", "both"] | None:
    """The side named nearest to the mention."""
    matches = sorted(_SIDES.finditer(clause), key=lambda match: abs(match.start() - start))
    if not matches:
        return None
    word = matches[0][1]
    return "both" if word in ("bilateral", "both") else ("left" if word == "left" else "right")


def _site(clause: str) -> str | None:
    return next((site for site, pattern in _SITES if pattern.search(clause)), None)
