"""Which language a text is in, of those that have a lexicon: a folder of files in ``lexicon``."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_LEXICON = files("fhir_mappings") / "text" / "lexicon"
_WORD = re.compile(r"[^\W\d_]+")
_FEWEST_WORDS = 8


@dataclass(frozen=True)
class _Language:
    """A language as its ``language.toml`` tells it."""

    code: str
    name: str
    letters: frozenset[str]
    words: frozenset[str]


def language_of(text: str) -> str | None:
    """The language of a text, such as ``en``; None where no lexicon reads it.

    The bounds are assumptions: two thirds of the letters are the language's own, and one word in thirty is one of its
    commonest, in texts of eight words or more. Of several languages the one with most such words.
    """
    small = text.lower()
    letters = [character for character in small if character.isalpha()]
    words = _WORD.findall(small)
    fitting = [
        (sum(word in language.words for word in words), language.code)
        for language in _languages()
        if 3 * sum(letter in language.letters for letter in letters) >= 2 * len(letters)
    ]
    known = [(count, code) for count, code in fitting if len(words) < _FEWEST_WORDS or 30 * count >= len(words)]
    return max(known, key=lambda one: one[0])[1] if known else None


def languages_read() -> str:
    """The names of the languages that are read: "English", "English or German"."""
    return " or ".join(language.name for language in _languages())


@cache
def lexicon_file(language: str, name: str) -> Mapping[str, Any]:
    """One file of a language's lexicon."""
    return tomllib.loads((_LEXICON / language / name).read_text("utf-8"))


@cache
def _languages() -> tuple[_Language, ...]:
    """The languages by their folders' names."""
    codes = sorted(folder.name for folder in _LEXICON.iterdir() if (folder / "language.toml").is_file())
    about = ((code, lexicon_file(code, "language.toml")) for code in codes)
    return tuple(
        _Language(code, one["name"], frozenset(one["letters"]), frozenset(one["words"])) for code, one in about
    )
