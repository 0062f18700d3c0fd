"""The ways to say a finding, from ``phrases/*.toml``."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

_PHRASES = Path(__file__).parent / "phrases"
_T = TypeVar("_T")


@dataclass(frozen=True)
class Say:
    """One way to state a finding. ``about`` and ``state`` choose it, the rest is what it states."""

    finding: str
    assertion: str
    texts: tuple[str, ...]
    about: str
    state: str
    site: str | None = None
    grade: str | None = None
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Phrases:
    """One phrase file: how often each finding is mentioned, and the ways to say it."""

    says: tuple[Say, ...]
    mention: Mapping[str, tuple[float, float]]
    other: Mapping[str, Any]


def _say(row: Mapping[str, Any]) -> Say:
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Say(**{"about": row["finding"], "state": row["assertion"], **given})


@cache
def phrases(name: str) -> Phrases:
    """The phrase file of that name."""
    table = tomllib.loads((_PHRASES / f"{name}.toml").read_text("utf-8"))
    says = tuple(_say(row) for row in table.get("say", ()))
    mention = {about: (float(pair[0]), float(pair[1])) for about, pair in table.get("mention", {}).items()}
    return Phrases(says, mention, {k: v for k, v in table.items() if k not in ("say", "mention")})


def pick(options: Sequence[_T], rng: np.random.Generator) -> _T:
    """One of the options, each equally likely."""
    return options[int(rng.integers(len(options)))]
