"""The 31 source attributes of a predictive decision support intervention, as an artifact tells them, checked.

HTI-1, 45 CFR 170.315(b)(11). Headings and order as in two published lists, not the regulation's text.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

from models.errors import ArtifactError

Origin = Literal["A", "E", "C", "D"]
"""Authored; filled from evaluation.json; from code or data files; the deployment's own."""

NUMBERS = tuple(range(1, 32))
NONE = "none"
"""What is shown of an attribute that the deployment left blank."""


@dataclass(frozen=True)
class SourceAttribute:
    """One attribute; ``text`` is empty only where it is the deployment's to write."""

    number: int
    group: str
    name: str
    origin: Origin
    text: str

    @property
    def shown(self) -> str:
        """The text, or "none"."""
        return self.text.strip() or NONE


@dataclass(frozen=True)
class SourceAttributes:
    """All attributes in order, and what must be read before them.

    ``wording`` says where the headings come from; ``regulatory_status`` was true on ``status_date``.
    """

    first: str
    wording: str
    regulatory_status: str
    status_date: date
    attributes: tuple[SourceAttribute, ...]


def read_source_attributes(path: Path) -> SourceAttributes:
    """The attributes of ``source_attributes.toml``; `ArtifactError` names the file and what is wrong in it."""
    try:
        return source_attributes_from(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path.name} cannot be read: {error}") from error


def source_attributes_from(text: str) -> SourceAttributes:
    """The attributes of a TOML text; raises ``ValueError`` (of which TOML's own error is one)."""
    raw = tomllib.loads(text)
    if not isinstance(raw.get("attribute"), list):
        raise ValueError("there is no attribute")
    attributes = tuple(_attribute(row) for row in raw.pop("attribute"))
    _check_numbers(tuple(one.number for one in attributes))
    head = {field.name: str for field in fields(SourceAttributes) if field.name != "attributes"} | {"status_date": date}
    _check_fields(raw, head, "the file")
    return SourceAttributes(attributes=attributes, **raw)


def _attribute(row: Any) -> SourceAttribute:
    where = f"attribute {row.get('number')}" if isinstance(row, dict) else "an attribute"
    _check_fields(row, {"number": int, "group": str, "name": str, "from": str, "text": str}, where, may_be_empty="text")
    origin, text = row["from"], row["text"]
    if origin not in get_args(Origin):
        raise ValueError(f"{where}: from = {origin!r} is none of A, E, C, D")
    if origin != "D" and not text.strip():
        raise ValueError(f"{where} ({row['name']}) is empty, and only the deployment's own may be")
    if "{" in text:
        raise ValueError(f"{where} ({row['name']}) holds a field that nothing filled")
    return SourceAttribute(row["number"], row["group"], row["name"], origin, text)


def _check_numbers(numbers: tuple[int, ...]) -> None:
    if numbers != NUMBERS:
        raise ValueError(f"the attributes must be 1 to {NUMBERS[-1]}, once each and in order, not {list(numbers)}")


def _check_fields(raw: Any, kinds: Mapping[str, type], where: str, may_be_empty: str = "") -> None:
    """Nothing, where ``raw`` holds exactly these fields, of these types; else ``ValueError``."""
    if not isinstance(raw, dict) or set(raw) != set(kinds):
        raise ValueError(f"{where} must hold exactly {', '.join(kinds)}")
    for name, kind in kinds.items():
        if type(raw[name]) is not kind:
            raise ValueError(f"{where}: {name} is no {kind.__name__}")
        if kind is str and name != may_be_empty and not raw[name].strip():
            raise ValueError(f"{where}: {name} is empty")
