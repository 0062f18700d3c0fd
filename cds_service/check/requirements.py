"""The register of requirements, and what trying one can come to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cds_service.check.seen import Seen

_MOST_FAULTS = 3


@dataclass(frozen=True)
class Passed:
    """The requirement holds; ``note`` says what was seen, where that is worth a word."""

    note: str = ""


@dataclass(frozen=True)
class Failed:
    """The requirement does not hold; ``reason`` quotes what was seen."""

    reason: str


@dataclass(frozen=True)
class NotTried:
    """Nothing can be said; ``why`` tells what was wanting."""

    why: str


Result = Passed | Failed | NotTried
Try = Callable[["Seen"], Result]


class Untried(Exception):
    """What a requirement is tried on is not there; the message is the ``why`` of `NotTried`."""


@dataclass(frozen=True)
class Requirement:
    """One row of the checklist: its number, strength, wording, and how it is tried.

    ``turn``: 0 at any time, 1 after those, 2 at the end.
    """

    number: int
    strength: str
    says: str
    tried: Try
    turn: int = 0

    @property
    def binds(self) -> bool:
        """True for a SHALL: where it fails, the service does not conform."""
        return self.strength.startswith("SHALL")

    def result(self, seen: "Seen") -> Result:
        """What trying it on a service comes to."""
        try:
            return self.tried(seen)
        except Untried as untried:
            return NotTried(str(untried))


REQUIREMENTS: dict[int, Requirement] = {}
"""Every registered requirement by its number."""


def requirement(number: int, strength: str, says: str, *, turn: int = 0) -> Callable[[Try], Try]:
    """Register a function as the try of one row."""

    def register(function: Try) -> Try:
        REQUIREMENTS[number] = Requirement(number, strength, says, function, turn)
        return function

    return register


def judged(faults: Iterable[str | None], note: str = "") -> Result:
    """Failed with the first faults, passed where there are none."""
    found = [fault for fault in faults if fault]
    if not found:
        return Passed(note)
    more = len(found) - _MOST_FAULTS
    return Failed("; ".join(islice(found, _MOST_FAULTS)) + (f"; and {more} more" if more > 0 else ""))
