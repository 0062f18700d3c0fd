"""What is wrong with the ``fhirAuthorization`` of a call, as codes that repeat no value.

CDS Hooks 2.0.1, "Passing the Access Token to the CDS Service", requires five fields. Only the token is
needed: the others are noted in the log, or refused where a site wants it so (``strict_authorization``).
"""

from collections.abc import Callable, Mapping
from typing import Any

from cds_service.hooks.scopes import parse_scopes
from cds_service.hooks.services import required_types


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


_REQUIRED: Mapping[str, Callable[[Any], bool]] = {
    "token_type": lambda value: value == "Bearer",
    "expires_in": lambda value: isinstance(value, int) and not isinstance(value, bool) and value > 0,
    "scope": _is_text,
    "subject": _is_text,
}


def authorization_faults(given: Any) -> tuple[str, ...]:
    """The required fields, but for the token, that are absent or not as they should be."""
    if not isinstance(given, dict):
        return ()
    return tuple(name for name, holds in _REQUIRED.items() if not holds(given.get(name)))


def authorization_notes(given: Any) -> tuple[str, ...]:
    """What the log says of a ``fhirAuthorization``; nothing where all is well.

    Its faults; ``patient-not-named`` where scopes for one patient come without the patient (invariant
    cds-r-2); ``scope-not-read`` where a scope is none that we know; ``scope-lacks-Encounter`` where all
    are known and none covers a type that is needed. The FHIR server is asked in any case.
    """
    if not isinstance(given, dict):
        return ()
    return (*authorization_faults(given), *_scope_notes(given.get("scope"), named=given.get("patient") is not None))


def _scope_notes(text: Any, *, named: bool) -> tuple[str, ...]:
    if not _is_text(text):
        return ()
    scopes = parse_scopes(text)
    about_patient = any(scope.level == "patient" for scope in scopes.fhir) and not named
    return (
        *(("patient-not-named",) if about_patient else ()),
        *(("scope-not-read",) if scopes.unread else ()),
        *(f"scope-lacks-{type_}" for type_ in scopes.lacks(required_types())),
    )
