"""The imaging lexicon, compiled: what mentions a finding, what states its absence, and what means something else."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from fhir_mappings.text.spelling import LEXICON

_WORD = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class FindingRule:
    """One entry of the lexicon. ``imaging.toml`` says what each part means."""

    name: str
    label: str
    stems: tuple[str, ...]
    says: re.Pattern[str]
    weak: re.Pattern[str] | None
    not_weak: re.Pattern[str] | None
    other: re.Pattern[str] | None
    normal: re.Pattern[str] | None
    bare: re.Pattern[str] | None
    historical: re.Pattern[str] | None
    not_in: re.Pattern[str] | None
    not_beside: re.Pattern[str] | None
    not_before: re.Pattern[str] | None
    needs: re.Pattern[str] | None
    old: re.Pattern[str] | None
    grades: Mapping[str, re.Pattern[str]]
    number: str | None
    always: bool
    never_absent: bool

    def may_match(self, text: str) -> bool:
        """False where the text has none of the letters that every mention has; quick."""
        return any(stem in text for stem in self.stems)


@cache
def lexicon() -> tuple[str, tuple[FindingRule, ...]]:
    """The version of the lexicon and the rules of imaging findings."""
    about, data = (tomllib.loads((LEXICON / name).read_text("utf-8")) for name in ("language.toml", "imaging.toml"))
    return about["version"], tuple(_rule(row, data["words"]) for row in data["finding"])


def whole(phrases: Sequence[str], words: Mapping[str, str]) -> re.Pattern[str]:
    """A pattern that finds any of the phrases between word borders; ``<artery>`` stands for the words of that name."""
    joined = "|".join(_WORD.sub(lambda match: words[match[1]], phrase) for phrase in phrases)
    return re.compile(rf"(?<!\w)(?:{joined})(?!\w)")


def _rule(row: Mapping[str, object], words: Mapping[str, str]) -> FindingRule:
    def pattern(key: str) -> re.Pattern[str] | None:
        phrases = row.get(key)
        return whole(phrases, words) if isinstance(phrases, list) else None

    grades, stems = row.get("grades"), row["stems"]
    return FindingRule(
        name=str(row["name"]),
        label=str(row["label"]),
        stems=tuple(stems) if isinstance(stems, list) else (),
        says=pattern("says") or re.compile("(?!)"),
        weak=pattern("weak"),
        not_weak=pattern("not_weak"),
        other=pattern("other"),
        normal=pattern("normal"),
        bare=pattern("bare"),
        historical=pattern("historical"),
        not_in=pattern("not_in"),
        not_beside=pattern("not_beside"),
        not_before=pattern("not_before"),
        needs=pattern("needs"),
        old=pattern("old"),
        grades={grade: whole(said, words) for grade, said in grades.items()} if isinstance(grades, dict) else {},
        number=str(row["number"]) if "number" in row else None,
        always=row.get("always") is True,
        never_absent=row.get("never_absent") is True,
    )
