"""What people type as a unit, and the UCUM code that it means (``data/units.toml``)."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from fhir_mappings.codes import table

LONGEST = 40
"""A longer text is no unit."""

_DIMER_MARK = re.compile(r"(?i)[(_]?(?:feu|ddu)\)?")
_ANNOTATION = re.compile(r"\{[^{}]*\}")
_TYPED = str.maketrans({"µ": "u", "μ": "u", "×": "x", "⁹": "^9", "³": "^3", "·": "."})
"""Characters that people type and UCUM does not have."""


@lru_cache(maxsize=4096)
def ucum_of(text: str) -> str:
    """The UCUM code that a typed unit means, without annotations; else the text as it is."""
    compact = re.sub(r"\s+", "", text).translate(_TYPED)
    known = _spellings().get(compact.lower())
    if known is not None:
        return known
    bare = _DIMER_MARK.sub("", _ANNOTATION.sub("", compact))
    bare = re.sub(r"(?i)\bmc(?=[gl](?:\b|_))", "u", bare)
    return _spellings().get(bare.lower(), bare)


def is_typed_unit(text: str) -> bool:
    """True where the text is a unit that people type for one of our analytes."""
    return len(text) <= LONGEST and ucum_of(text) in listed() - {"1"}


@cache
def listed() -> frozenset[str]:
    """The UCUM codes that have a spelling of their own here."""
    return frozenset(_spellings().values())


@cache
def _spellings() -> Mapping[str, str]:
    spellings: dict[str, str] = table("units.toml")["spellings"]
    return spellings
