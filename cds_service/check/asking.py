"""Requests to a service: a least one made up from its discovery, and changed ones."""

import copy
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

Json = dict[str, Any]


def _table(name: str) -> Json:
    return tomllib.loads(Path(__file__).with_name(name).read_text("utf-8"))


CONTEXTS: Mapping[str, Json] = _table("contexts.toml")
"""The least context of each published hook."""

_FIELDS = _table("fields.toml")
_OPTIONAL: Mapping[str, list[str]] = _FIELDS["optional"]
FIELDS: Mapping[str, frozenset[str]] = {one: frozenset([*CONTEXTS[one], *more]) for one, more in _OPTIONAL.items()}
"""Every field of each published hook's context."""

NEVER_IN_TOKENS = frozenset(_FIELDS["tokens"]["never"])
"""Fields of published hooks that are no primitives."""

TOKENS = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_FIELD = re.compile(r"context\.(\w+)")


class RequestFault(ValueError):
    """A request file is not usable; says why."""


def request_from(path: Path) -> Json:
    """The request in a file. Raises `RequestFault`."""
    try:
        given = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise RequestFault(f"{path} is not JSON") from None
    if not isinstance(given, dict) or not isinstance(given.get("context"), dict):
        raise RequestFault(f"{path} is no CDS Hooks request: it has no context")
    if not isinstance(given.get("prefetch", {}), dict):
        raise RequestFault(f"{path} is no CDS Hooks request: its prefetch is no object")
    return given


def least_request(service: Json) -> Json:
    """A request for a service with the least context and no prefetch."""
    hook = str(service.get("hook"))
    context = _with_types(CONTEXTS[hook]) if hook in CONTEXTS else _made_up(service)
    return {"hook": hook, "hookInstance": str(uuid4()), "context": context}


def _made_up(service: Json) -> Json:
    """The context of patient-view, and what else the service's templates name."""
    named = {name for text in templates(service).values() for name in _FIELD.findall(text)}
    return {name: f"check-{name.lower()}" for name in sorted(named)} | CONTEXTS["patient-view"]


def _with_types(context: Json) -> Json:
    whole = copy.deepcopy(context)
    for value in whole.values():
        if isinstance(value, dict):
            value |= {"resourceType": "Bundle", "type": "collection"}
    return whole


def templates(service: Json) -> dict[str, str]:
    """The prefetch templates that are strings, by key."""
    given = service.get("prefetch")
    return {key: text for key, text in given.items() if isinstance(text, str)} if isinstance(given, dict) else {}


def another(request: Json, **changed: Any) -> Json:
    """The request as a new instance with what is ``changed``; a member that is None is left out."""
    whole = request | {"hookInstance": str(uuid4())} | changed
    return {name: value for name, value in whole.items() if value is not None}


def in_context(request: Json, **changed: Any) -> Json:
    """The same with the context ``changed``."""
    context = request["context"] | changed
    return another(request, context={name: value for name, value in context.items() if value is not None})


def of_hook(request: Json, hook: str) -> Json:
    """The same for another hook, with what that needs in its context besides."""
    return another(request, hook=hook, context=_with_types(CONTEXTS.get(hook, {})) | request["context"])


def without_server(request: Json) -> Json:
    """The request without access to any FHIR server."""
    return {name: value for name, value in request.items() if name not in ("fhirServer", "fhirAuthorization")}


def resources_in(value: Any) -> Iterator[Json]:
    """Each resource with a type and an id in a request's prefetch: as the value of a key or in its Bundle."""
    for held in value.values() if isinstance(value, dict) else ():
        entries = held.get("entry") if isinstance(held, dict) else None
        inside = (
            [entry.get("resource") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
        )
        yield from (one for one in (held, *inside) if _is_resource(one))


def _is_resource(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("resourceType"), str) and isinstance(one.get("id"), str)
