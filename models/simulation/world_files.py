"""The files of the worlds: what each says, what it takes from its ``base``, and the hash of the whole.

A file with ``base`` holds only what differs: rows replace those of the same name whole, effects
replace all effects on the same value, ``drop_effects`` names values that lose theirs, ``[missing]``
gives other shares of missing values.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

WORLDS = Path(__file__).parent / "worlds"

_FIXED = ("variable", "flag", "finding")
_OPEN = ("mechanism", "target")
_REST = ("name", "title", "missing", "reports")

Table = Mapping[str, Any]


class UnknownWorld(ValueError):
    """No such world; the message names those that exist."""


def known_worlds() -> tuple[str, ...]:
    """The names of the worlds that can be simulated."""
    return tuple(sorted(path.stem for path in WORLDS.glob("*.toml")))


def merged(name: str) -> dict[str, Any]:
    """The whole content of a world, that of its base included; `UnknownWorld` names the known ones."""
    if name not in known_worlds():
        raise UnknownWorld(f"There is no world {name!r}; known: {', '.join(known_worlds())}.")
    own = tomllib.loads((WORLDS / f"{name}.toml").read_text("utf-8"))
    base = own.pop("base", None)
    return own if base is None else overlaid(merged(base), own)


def content_sha256(table: Table) -> str:
    """The SHA-256 of a world's content as canonical JSON: layout and comments of the files do not count."""
    text = json.dumps(table, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def overlaid(base: Table, own: Table) -> dict[str, Any]:
    """One world's content over its base's; ValueError where it changes something that the base lacks."""
    known = {*_FIXED, *_OPEN, *_REST, "effect", "drop_effects", "settings"}
    _refuse("tables", own, known)
    _refuse("settings", own.get("settings", {}), base["settings"])
    for kind in _FIXED:
        _refuse(kind, _names(own.get(kind, ())), _names(base[kind]))
    _refuse("missing", own.get("missing", {}), ["source", *_names(base["variable"])])
    dropped = own.get("drop_effects", ())
    _refuse("drop_effects", dropped, {row["on"] for row in base["effect"]})
    changed = {*dropped, *(row["on"] for row in own.get("effect", ()))}
    return {
        **base,
        **{key: own[key] for key in _REST if key in own},
        **{kind: _replaced(base.get(kind, ()), own.get(kind, ())) for kind in (*_FIXED, *_OPEN)},
        "effect": [*(row for row in base["effect"] if row["on"] not in changed), *own.get("effect", ())],
        "settings": {**base["settings"], **own.get("settings", {})},
    }


def _names(rows: Iterable[Table]) -> list[str]:
    return [row["name"] for row in rows]


def _replaced(base: Iterable[Table], own: Iterable[Table]) -> list[Table]:
    """The base's rows in their order, those of the same name replaced, new ones behind."""
    mine = {row["name"]: row for row in own}
    kept = [mine.pop(row["name"], row) for row in base]
    return [*kept, *mine.values()]


def _refuse(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    if unknown := sorted(set(names) - set(known)):
        raise ValueError(f"World file: {what} that its base does not know: {', '.join(unknown)}.")
