"""What JSON members have to look like: each function gives what is wrong, or None."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from cds_service.check.quoting import quoted

Json = dict[str, Any]


def objects(value: Any) -> list[Json]:
    """The objects in a list; nothing of anything else."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def members(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every member below, with its path."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        here = f"{path}[{key}]" if isinstance(node, list) else f"{path}.{key}".lstrip(".")
        yield here, value
        yield from members(value, here)


def is_text(value: Any) -> bool:
    """True for a string that says something."""
    return isinstance(value, str) and value.strip() != ""


def text(one: Json, name: str) -> str | None:
    """A member that has to be a string that says something."""
    if name not in one:
        return f"{name} is missing"
    return None if is_text(one[name]) else f"{name} is {quoted(one[name])}"


def one_of(one: Json, name: str, *allowed: str) -> str | None:
    """A member that has to be one of a few words."""
    if name not in one:
        return f"{name} is missing"
    known = isinstance(one[name], str) and one[name] in allowed
    return None if known else f"{name} is {quoted(one[name])}, not {' or '.join(allowed)}"


def boolean(one: Json, name: str) -> str | None:
    """A member that, where it is there, is true or false."""
    return None if isinstance(one.get(name, True), bool) else f"{name} is {quoted(one[name])}, no boolean"


def absolute_url(one: Json, name: str) -> str | None:
    """A member that, where it is there, is an absolute http or https URL."""
    if name not in one or is_absolute(one[name]):
        return None
    return f"{name} is {quoted(one[name])}, no absolute URL"


def is_absolute(value: Any) -> bool:
    """True for an absolute http or https URL."""
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
    except ValueError:
        return False
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)


def coding(value: Any, *names: str) -> str | None:
    """A Coding that has to have these members."""
    if not isinstance(value, dict):
        return f"{quoted(value)} is no Coding"
    return next((fault for name in names if (fault := text(value, name))), None)


def uuid(one: Json) -> str | None:
    """A ``uuid`` that, where it is there, is a real one."""
    try:
        UUID(one.get("uuid", "00000000-0000-4000-8000-000000000000"))
    except (ValueError, AttributeError, TypeError):
        return f"uuid is {quoted(one['uuid'])}, no UUID"
    return None


REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")
"""A relative reference: ``Type/id``."""
