"""What a published score says: its points, or what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor


@dataclass(frozen=True)
class ScoreResult:
    """A published score's points, or None with the inputs it lacks.

    ``points`` is whole for a point table and a real number for a linear predictor; ``means`` is what
    it was published to mean; ``source`` where the table was read.
    """

    name: str
    points: float | None
    missing: tuple[str, ...]
    means: str
    source: str

    @property
    def text(self) -> str:
        """One line for the card."""
        if self.points is None:
            return f"{self.name}: not computable (missing: {', '.join(self.missing)})"
        shown = str(self.points) if isinstance(self.points, int) else f"{self.points:.2f}"
        return f"{self.name} {shown}: {self.means}"


def add_up(
    name: str, points: Mapping[str, float | None], means: Mapping[int, str] | str, source: str
) -> ScoreResult:  # fmt: skip
    """The sum of all parts, or the parts that are None as what is missing.

    ``means`` has a text for each total, or is one text for all.
    """
    missing = tuple(part for part, value in points.items() if value is None)
    if missing:
        return ScoreResult(name, None, missing, "", source)
    total = sum(value for value in points.values() if value is not None)
    return ScoreResult(name, total, (), means if isinstance(means, str) else means[int(total)], source)


def flag(known: bool | None) -> int | None:
    """1 or 0 point; None where it is not known."""
    return None if known is None else int(known)


def to_one_decimal(value: float) -> float:
    """A value as a table with one decimal reads it, halves up: 8.05 is 8.1."""
    return floor(round(value * 10, 6) + 0.5) / 10
