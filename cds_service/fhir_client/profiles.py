"""What kinds of FHIR servers take of a search, from ``profiles.toml``."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal

GENERIC = "generic"


@dataclass(frozen=True)
class Profile:
    """How a kind of server is asked; each field has its source in ``profiles.toml``.

    ``count``, ``observation_count``, ``report_count``: entries asked for on a page, 0 where no number
    is sent; ``post_search``: a search too long for a URL goes as a POST; ``longest_list``: characters
    of a list of codes in one URL; ``sort``: ``_sort`` is sent; ``date_bounds``: of one parameter;
    ``code_form``: how a code is written; ``lacks``: types that it does not have, so that nothing of them
    is charted. ``unknown``: fields of which nothing is known of the vendor, so
    that they are as for any server.
    """

    name: str
    count: int
    observation_count: int
    report_count: int
    post_search: bool
    longest_list: int
    sort: bool
    date_bounds: Literal[1, 2]
    code_form: Literal["system|code", "code"]
    lacks: Sequence[str]
    unknown: frozenset[str] = frozenset()

    def page_of(self, resource_type: str) -> int:
        """Entries asked for on a page of this type; 0 where no number is sent."""
        by_type = {"Observation": self.observation_count, "DiagnosticReport": self.report_count}
        return by_type.get(resource_type, self.count)


FIELDS = tuple(field.name for field in fields(Profile) if field.name not in ("name", "unknown"))
"""What each profile says, or says to be unknown."""


def table() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    """Each profile's rows by field, with value and source, or with why it is unknown."""
    return tomllib.loads(Path(__file__).with_name("profiles.toml").read_text("utf-8"))


@cache
def profiles() -> Mapping[str, Profile]:
    """Every profile by name."""
    rows = table()
    return {name: _profile(name, rows[name], rows[GENERIC]) for name in rows}


def _profile(name: str, rows: Mapping[str, Mapping[str, Any]], generic: Mapping[str, Mapping[str, Any]]) -> Profile:
    values = {field: rows[field].get("value", generic[field]["value"]) for field in FIELDS}
    return Profile(name, **values, unknown=frozenset(field for field in FIELDS if "unknown" in rows[field]))
