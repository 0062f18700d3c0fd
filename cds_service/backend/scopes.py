"""Which scopes we ask a token server for, and which it did not grant."""

from cds_service.hooks.scopes import parse_scopes
from cds_service.hooks.services import further_types, required_types
from cds_service.settings import Backend

_MAY = {1: "read", 2: "rs"}


def asked_scopes(backend: Backend) -> tuple[str, ...]:
    """The entry's own scopes, else reading of what a whole card needs and of nothing else."""
    return backend.scopes or tuple(f"system/{type_}.{_MAY[backend.scope_version]}" for type_ in _types())


def scope_notes(granted: str) -> tuple[str, ...]:
    """``scope-lacks-Encounter`` for each type that a whole card needs and the grant does not cover."""
    return tuple(f"scope-lacks-{type_}" for type_ in parse_scopes(granted).lacks(_types()))


def _types() -> tuple[str, ...]:
    return tuple(sorted(required_types() | further_types()))
