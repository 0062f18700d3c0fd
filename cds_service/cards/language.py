"""The words of cards in one language, read from a TOML file: shipped, or the site's own."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_SHIPPED = files("cds_service") / "cards" / "languages"
TABLES = ("text", "monitoring", "order", "override", "reason", "label")
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")

Table = Mapping[str, str]


class LanguageError(ValueError):
    """A language file cannot be used; one sentence says why."""


class _File(BaseModel):
    """A language file as it is written."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    language: str = Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{1,8})*$")
    review: str = Field(min_length=1)
    decimal: str = Field(pattern=r"^[.,]$")
    weekdays: tuple[str, ...] = Field(min_length=7, max_length=7)
    months: tuple[str, ...] = Field(min_length=12, max_length=12)
    forbidden: tuple[re.Pattern[str], ...] = Field(min_length=1)
    text: dict[str, str]
    monitoring: dict[str, str]
    order: dict[str, str]
    override: dict[str, str]
    reason: dict[str, str]
    label: dict[str, str]


@dataclass(frozen=True)
class Language:
    """What stands in a language file; ``tables`` by name, as `TABLES` lists them.

    ``code`` is BCP 47, ``review`` says who has reviewed the words, ``weekdays`` begin with Monday.
    """

    code: str
    review: str
    decimal: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    forbidden: tuple[str, ...]
    tables: Mapping[str, Table]

    def say(self, key: str, **values: object) -> str:
        """The sentence of the card's frame with its values."""
        return filled(self.tables["text"][key], values)

    def label(self, english: str) -> str:
        """A label of the mappings or of the model in this language, as it is where it is not known."""
        return self.known("label", english) or english

    def reason(self, english: str) -> str:
        """A sentence of the mappings, the conclusion or the model in this language, else as it is."""
        return self.known("reason", english) or english

    def known(self, table: str, english: str) -> str | None:
        """The translation of the whole text, or of a pattern whose values are known or begin with a digit."""
        if said := self.tables[table].get(english):
            return said
        for pattern, translation in _patterns(tuple(self.tables[table].items())):
            if found := pattern.fullmatch(english):
                values = {name: self.known("label", part) or _number(part) for name, part in found.groupdict().items()}
                if all(values.values()):
                    return filled(translation, values)
        return None


def filled(template: str, values: Mapping[str, object]) -> str:
    """A template with its placeholders replaced, each once: braces in a value mean nothing."""
    return _PLACEHOLDER.sub(lambda found: str(values[found[1]]), template)


def _number(part: str) -> str | None:
    return part if part[:1].isdigit() else None


@cache
def _patterns(rows: tuple[tuple[str, str], ...]) -> tuple[tuple[re.Pattern[str], str], ...]:
    """The keys with placeholders, as expressions."""
    return tuple((_expression(key), said) for key, said in rows if _PLACEHOLDER.search(key))


def _expression(key: str) -> re.Pattern[str]:
    parts = _PLACEHOLDER.split(key)  # text and names in turn
    return re.compile("".join(f"(?P<{part}>.+)" if at % 2 else re.escape(part) for at, part in enumerate(parts)))


def placeholders(template: str) -> list[str]:
    """The names in braces, sorted."""
    return sorted(_PLACEHOLDER.findall(template))


@cache
def shipped(name: str) -> Language:
    """A language that comes with the service. Raises `LanguageError` where there is none of the name."""
    if name not in shipped_names():
        raise LanguageError(f"it is neither one of {', '.join(shipped_names())} nor a .toml file")
    return _read(_SHIPPED / f"{name}.toml")


@cache
def shipped_names() -> tuple[str, ...]:
    """The languages that come with the service."""
    return tuple(sorted(one.name.removesuffix(".toml") for one in _SHIPPED.iterdir() if one.name.endswith(".toml")))


def read_language(path: Path) -> Language:
    """A site's own file, not yet checked. Raises `LanguageError`."""
    return _read(path)


def _read(path: Path | Traversable) -> Language:
    try:
        raw = _File(**tomllib.loads(path.read_text("utf-8")))
    except OSError:
        raise LanguageError(f"{path.name} cannot be read") from None
    except ValidationError as error:
        raise LanguageError(f"{path.name}: {_where(error.errors()[0])}") from None
    except ValueError as error:  # TOML's own, and bytes that are not UTF-8
        raise LanguageError(f"{path.name}: {error}") from None
    tables = {name: getattr(raw, name) for name in TABLES}
    patterns = tuple(one.pattern for one in raw.forbidden)
    return Language(raw.language, raw.review, raw.decimal, raw.weekdays, raw.months, patterns, tables)


def _where(fault: Any) -> str:
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"


def texts_of(language: Language) -> Iterator[tuple[str, str]]:
    """Every text that may stand on a card, with the name of its place."""
    yield from (("weekdays", day) for day in language.weekdays)
    yield from (("months", month) for month in language.months)
    for table in TABLES:
        yield from ((f"{table}.{key}", text) for key, text in language.tables[table].items())
