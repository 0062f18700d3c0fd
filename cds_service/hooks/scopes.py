"""SMART scopes, of version 1 (``patient/Observation.read``) and 2 (``patient/Observation.rs``).

Source: SMART App Launch 2.2, "Scopes for requesting FHIR Resources". A scope is only ever noted: what
a server grants is known by asking it, and an EHR that grants more than it says must not cost the card.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_LONGEST = 20_000
_FHIR = re.compile(
    r"(?P<level>patient|user|system)/(?P<type>\*|[A-Z][A-Za-z]{1,63})\."
    r"(?P<may>\*|read|write|(?=[cruds])c?r?u?d?s?)(\?\S+)?"
)
_OTHER = re.compile(r"(openid|profile|fhirUser|offline_access|online_access|smart/\S+|launch(/\S+)?)")
_READING = frozenset({"*", "read"})


@dataclass(frozen=True)
class Scope:
    """One permission on FHIR resources; ``resource_type`` may be ``*``, for all.

    ``reads``: both read and search are allowed, be it for a part of the type's resources.
    """

    level: str
    resource_type: str
    reads: bool


@dataclass(frozen=True)
class Scopes:
    """What was read of a scope string; ``unread`` counts the words that are no SMART scope."""

    fhir: tuple[Scope, ...]
    unread: int

    def lacks(self, types: Iterable[str]) -> tuple[str, ...]:
        """The types that no scope lets us read and search; none where a word could not be read."""
        if self.unread:
            return ()
        readable = {scope.resource_type for scope in self.fhir if scope.reads}
        return () if "*" in readable else tuple(sorted(set(types) - readable))


def parse_scopes(text: str) -> Scopes:
    """The scopes in a space-separated string."""
    words = text[:_LONGEST].split()
    found = [match for word in words if (match := _FHIR.fullmatch(word))]
    others = sum(1 for word in words if _OTHER.fullmatch(word))
    return Scopes(tuple(map(_scope, found)), len(words) - len(found) - others)


def _scope(match: re.Match[str]) -> Scope:
    may = match["may"]
    return Scope(match["level"], match["type"], may in _READING or {"r", "s"} <= set(may))
