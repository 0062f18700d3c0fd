"""A world: every number of the simulation, read from ``worlds/<name>.toml``, each with its source."""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_WORLDS = Path(__file__).parent / "worlds"


class UnknownWorld(ValueError):
    """No such world; the message names those that exist."""


@dataclass(frozen=True)
class Variable:
    """One structured value at arrival: its margin, its limits and how often it is missing."""

    name: str
    shape: str
    center: float
    spread: float
    low: float
    high: float
    missing: float
    source: str


@dataclass(frozen=True)
class Flag:
    """One yes-or-no of the history or of the home drugs."""

    name: str
    probability: float
    source: str


@dataclass(frozen=True)
class TrueFinding:
    """One true finding; ``given_present`` replaces ``probability`` where ``given`` is present."""

    name: str
    probability: float
    nihss_slope: float
    source: str
    given: str | None = None
    given_present: float | None = None


@dataclass(frozen=True)
class Effect:
    """What one value or finding adds to the log-odds of the event, for each ``per`` of it."""

    on: str
    log_odds: float
    source: str
    per: float = 1.0
    ln: bool = False


@dataclass(frozen=True)
class World:
    """All settings of one world; ``sha256`` is the hash of its file."""

    name: str
    variables: tuple[Variable, ...]
    flags: tuple[Flag, ...]
    correlations: tuple[tuple[str, str, float], ...]
    findings: tuple[TrueFinding, ...]
    effects: tuple[Effect, ...]
    settings: Mapping[str, float] = field(repr=False)
    sha256: str = ""

    def __getitem__(self, setting: str) -> float:
        """The number of one setting."""
        return self.settings[setting]


def known_worlds() -> tuple[str, ...]:
    """The names of the worlds that can be simulated."""
    return tuple(sorted(path.stem for path in _WORLDS.glob("*.toml")))


def _finding(row: Mapping[str, Any]) -> TrueFinding:
    given_present = row.get("with")
    return TrueFinding(**{k: v for k, v in row.items() if k != "with"}, given_present=given_present)


def load_world(name: str) -> World:
    """The world of that name; `UnknownWorld` names the known ones."""
    if name not in known_worlds():
        raise UnknownWorld(f"There is no world {name!r}; known: {', '.join(known_worlds())}.")
    raw = (_WORLDS / f"{name}.toml").read_bytes()
    table = tomllib.loads(raw.decode())
    return World(
        name=name,
        variables=tuple(Variable(**row) for row in table["variable"]),
        flags=tuple(Flag(**row) for row in table["flag"]),
        correlations=tuple((a, b, rho) for a, b, rho in table["correlations"]["pairs"]),
        findings=tuple(_finding(row) for row in table["finding"]),
        effects=tuple(Effect(**row) for row in table["effect"]),
        settings={key: float(row["value"]) for key, row in table["settings"].items()},
        sha256=hashlib.sha256(raw).hexdigest(),
    )
