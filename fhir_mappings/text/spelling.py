"""Report text in one spelling: lower case, American, sides spelled out, common typing errors mended."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

LEXICON = files("fhir_mappings") / "text" / "lexicon" / "en"
_SIGNS = str.maketrans(
    {"\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2018": "'",
     "\u2019": "'", "\u00d7": "x", "\u2264": "<", "\u2265": ">", "\u00a0": " ", "\u202f": " ", "\n": " ", "\t": " "}
)  # fmt: skip
_SPACES = re.compile(r" {2,}")


def in_one_spelling(text: str) -> str:
    """The text as the imaging lexicon is written."""
    parts, words, pattern = _tables()
    plain = _SPACES.sub(" ", text.lower().translate(_SIGNS))
    for part, right in parts:
        if part in plain:
            plain = plain.replace(part, right)
    return pattern.sub(lambda match: words[match[0]], plain)


@cache
def _tables() -> tuple[tuple[tuple[str, str], ...], Mapping[str, str], re.Pattern[str]]:
    """Parts of words, words, and the pattern that finds the words."""
    data = tomllib.loads((LEXICON / "spelling.toml").read_text("utf-8"))
    words: dict[str, str] = data["words"]
    found = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    # Not the "r" of "r/o", the "l" of "mmol/l" or "l'" and not a Roman or chemical part: "l-5".
    return tuple(data["parts"].items()), words, re.compile(rf"(?<![\w/'])(?:{found})(?![\w'/]|-?\d)")
