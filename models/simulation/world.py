"""A world: every number of the simulation, read from ``worlds/<name>.toml``, each with its source."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from models.simulation.world_files import UnknownWorld, content_sha256, known_worlds, merged

__all__ = [
    "Effect", "Flag", "Mechanism", "Target", "TrueFinding", "UnknownWorld", "Variable", "World", "known_worlds",
    "load_world", "row_label", "world_from",
]  # fmt: skip

_OF_TARGETS = ("n", "target")


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
    """What one value or finding adds to the log-odds of a mechanism; without one, of every mechanism.

    linear: ``log_odds`` for each ``per`` of the value (or of its logarithm, ``ln``).
    above: where the value is ``above`` or more.
    u: for each ``per`` of distance outside the band from ``low`` to ``high``.
    interaction: where ``on`` is present and ``partner`` is present, or is under ``below``, or is ``above`` or more.
    """

    on: str
    log_odds: float
    source: str
    kind: Literal["linear", "above", "u", "interaction"] = "linear"
    per: float = 1.0
    ln: bool = False
    above: float | None = None
    below: float | None = None
    low: float | None = None
    high: float | None = None
    partner: str | None = None
    mechanism: str | None = None


@dataclass(frozen=True)
class Mechanism:
    """One way to deteriorate: its share of the events and its time, log-normal from its own clock."""

    name: str
    share: float
    median_h: float
    log_sd: float
    source: str
    clock: Literal["last_known_well", "arrival"] = "last_known_well"


@dataclass(frozen=True)
class Target:
    """What the source of one row says of its ``n`` cases, and what a simulated cohort is compared with."""

    row: str
    statistics: tuple[tuple[str, float], ...]
    n: int
    source: str


@dataclass(frozen=True)
class World:
    """All settings of one world; ``sha256`` is the hash of its content, that of its base included."""

    name: str
    variables: tuple[Variable, ...]
    flags: tuple[Flag, ...]
    correlations: tuple[tuple[str, str, float], ...]
    findings: tuple[TrueFinding, ...]
    effects: tuple[Effect, ...]
    mechanisms: tuple[Mechanism, ...]
    settings: Mapping[str, float] = field(repr=False, hash=False)
    targets: tuple[Target, ...] = field(default=(), repr=False)
    assumptions: tuple[str, ...] = field(default=(), repr=False)
    sha256: str = ""

    def __getitem__(self, setting: str) -> float:
        """The number of one setting."""
        return self.settings[setting]


def _own(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a row without what it is tested against."""
    return {key: value for key, value in row.items() if key not in _OF_TARGETS}


def _finding(row: Mapping[str, Any]) -> TrueFinding:
    given_present = row.get("with")
    return TrueFinding(**{k: v for k, v in _own(row).items() if k != "with"}, given_present=given_present)


def _settings(table: Mapping[str, Any]) -> dict[str, Any]:
    """The world's own settings and those of the phrases that it changes."""
    return {**table["settings"], **table.get("reports", {})}


def row_label(kind: str, row: Mapping[str, Any]) -> str:
    """``variable age``, ``effect watershed_infarct systolic_bp``, ``effect age edema``."""
    return " ".join([kind, *(row[key] for key in ("name", "on", "partner", "mechanism") if row.get(key))])


def _rows(table: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every row of a world that holds numbers, with its label."""
    for kind in ("variable", "flag", "finding", "effect", "mechanism", "target"):
        yield from ((row_label(kind, row), row) for row in table.get(kind, ()))
    yield from ((f"setting {name}", row) for name, row in _settings(table).items())
    yield from ((name, table[name]) for name in ("correlations", "missing") if name in table)


def _targets(table: Mapping[str, Any]) -> Iterator[Target]:
    for label, row in _rows(table):
        if "target" in row:
            yield Target(
                label,
                tuple((key, float(value)) for key, value in row["target"].items()),
                row.get("n", 0),
                row["source"],
            )


def _variable(row: Mapping[str, Any], missing: Mapping[str, float]) -> Variable:
    return Variable(**_own(row) | {"missing": missing.get(row["name"], row["missing"])})


def _checked(world: World) -> World:
    """The world itself; ValueError where an effect names what the world does not hold."""
    values = {row.name for row in world.variables} | {row.name for row in world.flags}
    names = values | {row.name for row in world.findings}
    mechanisms = {row.name for row in world.mechanisms}
    for effect in world.effects:
        if not {effect.on, effect.partner} <= {None, *names}:
            raise ValueError(f"World {world.name}: an effect on {effect.on} and {effect.partner}, which it lacks.")
        if effect.mechanism not in {None, *mechanisms}:
            raise ValueError(f"World {world.name}: an effect on the mechanism {effect.mechanism}, which it lacks.")
    return world


def world_from(table: Mapping[str, Any]) -> World:
    """The world that a merged table describes; ValueError names what does not fit together."""
    assumed = (f"{label}: {row['source']}" for label, row in _rows(table) if "assumption" in row["source"])
    return _checked(
        World(
            name=table["name"],
            variables=tuple(_variable(row, table.get("missing", {})) for row in table["variable"]),
            flags=tuple(Flag(**_own(row)) for row in table["flag"]),
            correlations=tuple((a, b, rho) for a, b, rho in table["correlations"]["pairs"]),
            findings=tuple(_finding(row) for row in table["finding"]),
            effects=tuple(Effect(**_own(row)) for row in table["effect"]),
            mechanisms=tuple(Mechanism(**_own(row)) for row in table["mechanism"]),
            settings={key: float(row["value"]) for key, row in _settings(table).items()},
            targets=tuple(_targets(table)),
            assumptions=tuple(assumed),
            sha256=content_sha256(table),
        )
    )


def load_world(name: str) -> World:
    """The world of that name; `UnknownWorld` names the known ones."""
    return world_from(merged(name))
