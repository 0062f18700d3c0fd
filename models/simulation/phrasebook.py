"""The two halves of the phrases: their constructions and word families, from ``phrases/<half>/*.toml``.

A phrase is a construction (a frame) filled with a noun phrase of a word family. Constructions and
families belong to one half only, so that phrasing unseen in training can be measured.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from models.simulation.statements import PHRASES

Phrasing = Literal["training", "held-out"]
PHRASINGS: tuple[Phrasing, ...] = ("training", "held-out")

IMAGING = ("ct", "cta", "mri")
_ABOUT_FAMILY = ("id", "about", "words", "scans", "grade")


@dataclass(frozen=True)
class Construction:
    """Frames that put a noun phrase into one state, in one voice; ``form`` names special noun phrases."""

    id: str
    scans: tuple[str, ...]
    frames: tuple[str, ...]
    state: str = "absent"
    voice: str = "any"
    form: str | None = None
    about: tuple[str, ...] = ()


@dataclass(frozen=True)
class Family:
    """Noun phrases of one finding made with the same words, by form."""

    id: str
    about: str
    words: tuple[str, ...]
    scans: tuple[str, ...]
    forms: Mapping[str, tuple[str, ...]]
    grade: str | None = None


@dataclass(frozen=True)
class Half:
    """One half of the phrases; ``lists`` are constructions that deny several findings at once."""

    constructions: tuple[Construction, ...]
    families: tuple[Family, ...]
    lists: tuple[Construction, ...]
    slots: Mapping[str, Mapping[str, tuple[str, ...]]]
    fillers: Mapping[str, tuple[str, ...]]
    openings: tuple[str, ...]
    british: Mapping[str, str]
    negations: frozenset[str]


def _tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}


def _family(row: Mapping[str, Any], scans: tuple[str, ...]) -> Family:
    given = {"scans": scans} | _tuples(row)
    forms = {key: value for key, value in given.items() if key not in _ABOUT_FAMILY}
    return Family(**{key: given[key] for key in _ABOUT_FAMILY if key in given}, forms=forms)


def _rows(tables: Mapping[str, Any], kind: str) -> list[tuple[Mapping[str, Any], tuple[str, ...]]]:
    """The rows of one kind in all files, each with the scans that its file is about."""
    scans = {"frames": IMAGING, **{name: (name,) for name in (*IMAGING, "history")}}
    return [(row, scans[name]) for name, table in tables.items() for row in table.get(kind, ())]


@cache
def half(phrasing: Phrasing) -> Half:
    """One half of the phrases; nothing else opens its files."""
    folder = PHRASES / phrasing.replace("-", "_")
    tables = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.toml"))}
    layout = tables.pop("layout")
    slots = {row["name"]: row["words"] for row, _ in _rows(tables, "slot")}
    return Half(
        constructions=tuple(Construction(**{"scans": s, **_tuples(row)}) for row, s in _rows(tables, "construction")),
        families=tuple(_family(row, scans) for row, scans in _rows(tables, "family")),
        lists=tuple(Construction(**{"scans": scans, **_tuples(row)}) for row, scans in _rows(tables, "list")),
        slots={name: {key: tuple(words) for key, words in table.items()} for name, table in slots.items()},
        fillers={scan: tuple(texts) for scan, texts in layout["filler"].items()},
        openings=tuple(layout["history"]["opening"]),
        british=layout["british"],
        negations=frozenset(layout["typos"]["negations"]),
    )  # fmt: skip


def phrases_sha256() -> str:
    """The hash of ``phrases/SHA256SUMS``, which freezes the plan, the layout and both halves."""
    return hashlib.sha256((PHRASES / "SHA256SUMS").read_bytes()).hexdigest()
