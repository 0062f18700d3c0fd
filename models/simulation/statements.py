"""What reports can state and how often, from ``phrases/plan.toml``, before any wording."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, Literal

from models.simulation.world import World

Scan = Literal["ct", "cta", "mri", "history"]
State = Literal["present", "uncertain", "absent", "asked"]

PHRASES = Path(__file__).parent / "phrases"


@dataclass(frozen=True)
class Statement:
    """One thing that a sentence can state: ``about`` and ``state`` choose it, the rest is what it states.

    ``form`` names the noun phrases that say all of it; ``value`` is True where it states a number.
    """

    id: str
    about: str
    state: State
    form: str
    finding: str
    assertion: str
    site: str | None = None
    grade: str | None = None
    also: tuple[str, ...] = ()
    value: bool = False
    weight: float = 1.0


@dataclass(frozen=True)
class ScanPlan:
    """What one kind of scan, or the history line, can state; ``listed`` are denied in one sentence with others."""

    title: str
    loinc: str
    mention: Mapping[str, tuple[float, float]]
    listed: frozenset[str]
    statements: Mapping[tuple[str, str], tuple[Statement, ...]]


@dataclass(frozen=True)
class Plan:
    """All of ``plan.toml``."""

    scans: Mapping[str, ScanPlan]
    settings: Mapping[str, float]
    shared_words: Mapping[str, str]
    special_forms: frozenset[str]

    def share(self, world: World, name: str) -> float:
        """A share by its name: the world's where it has a setting of that name."""
        return world.settings.get(name, self.settings[name])


def _statements(row: Mapping[str, Any]) -> list[Statement]:
    """The statements of one row: each state with each site and grade."""
    about, found = row.get("about", row["finding"]), []
    for state, site, grade in product(row["states"], row.get("sites", [None]), row.get("grades", [None])):
        also, form = tuple(row.get("also", ())), row.get("form", state)
        id_ = "-".join(part for part in (about, state, site, grade, *also, "valued" * row.get("value", False)) if part)
        found.append(
            Statement(
                id_, about, state, form, row["finding"], row.get("assertion", state), site, grade, also,
                row.get("value", False), float(row.get("weight", 1)),
            )
        )  # fmt: skip
    return found


def _scan(name: str, row: Mapping[str, Any], rows: list[Mapping[str, Any]]) -> ScanPlan:
    chosen: dict[tuple[str, str], tuple[Statement, ...]] = {}
    for statement in (one for each in rows if name in each["scans"] for one in _statements(each)):
        key = (statement.about, statement.state)
        chosen[key] = (*chosen.get(key, ()), statement)
    mention = {about: (float(pair[0]), float(pair[1])) for about, pair in row["mention"].items()}
    return ScanPlan(row.get("title", ""), row.get("loinc", ""), mention, frozenset(row["listed"]), chosen)


@cache
def plan() -> Plan:
    """What reports can state and how often."""
    table = tomllib.loads((PHRASES / "plan.toml").read_text("utf-8"))
    rows = table["statement"]
    return Plan(
        scans={name: _scan(name, row, rows) for name, row in table["scan"].items()},
        settings={name: float(row["value"]) for name, row in table["settings"].items()},
        shared_words={row["word"]: row["about"] for row in table["shared_word"]},
        special_forms=frozenset(row["form"] for row in rows if "form" in row),
    )
