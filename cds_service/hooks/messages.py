"""The wire messages of CDS Hooks 2.0.1: snake_case here, camelCase on the wire."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from cds_service.errors import BadRequest
from cds_service.hooks.authorization import authorization_faults

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9\-_][A-Za-z0-9\-._]{0,63}$")]
"""A FHIR id; the underscore is no part of it, but servers use it. A leading dot would climb a URL's path."""

Token = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,16000}$")]
"""An access token as a header can carry it."""

_M = TypeVar("_M", bound="Message")
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]


class Message(BaseModel):
    """One wire object; members that we do not know, ``extension`` among them, are passed over."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class Context(Message):
    """The patient-view context: ``encounterId`` is optional and often absent."""

    user_id: Annotated[
        str, StringConstraints(pattern=r"^(Practitioner|PractitionerRole|Patient|RelatedPerson)/[^\s/]{1,64}$")
    ]
    patient_id: Id
    encounter_id: Id | None = None


def _whole_seconds(value: Any) -> int | None:
    """Seconds above zero from a number or its digits; None for anything else."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) or None if re.fullmatch("[0-9]{1,9}", text) else None


class FhirAuthorization(BaseModel):
    """The EHR's access token for its FHIR server; used for this call only and never logged.

    ``token_type``, ``scope`` and ``subject`` are required by CDS Hooks, sent wrong by EHRs and not
    needed: they are passed over, as the prefetch may be complete. ``expires_in`` is None where it is
    no number of seconds above zero.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    access_token: Token = Field(repr=False)
    patient: Any = None
    expires_in: Annotated[int | None, BeforeValidator(_whole_seconds)] = None


class HookRequest(Message):
    """One call of the service."""

    hook: Text
    hook_instance: UUID
    context: Context
    fhir_server: Annotated[str, StringConstraints(pattern=r"^https?://")] | None = None
    fhir_authorization: FhirAuthorization | None = Field(None, repr=False)
    prefetch: dict[str, Any] | None = Field(None, repr=False)


def _existing(text: str) -> str:
    """A time of RFC 3339 whose day, hour and offset exist. Raises `ValueError`."""
    datetime.fromisoformat(text)
    return text


Timestamp = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$"),
    AfterValidator(_existing),
]


class AcceptedSuggestion(Message):
    """A suggestion that was taken."""

    id: Text


class OverrideReason(Message):
    """Why a card was overridden: one of our reasons, free text, or both."""

    reason: dict[str, Any] | None = None
    user_comment: Annotated[str, StringConstraints(max_length=4000)] | None = None


def _none_taken(value: Any) -> Any:
    """No suggestions where an EHR says null."""
    return () if value is None else value


class Feedback(Message):
    """What became of one card."""

    card: Annotated[str, StringConstraints(pattern=r"^[^\x00]{1,64}$")]  # NUL is no text for a database
    outcome: Literal["accepted", "overridden"]
    outcome_timestamp: Timestamp
    accepted_suggestions: Annotated[tuple[AcceptedSuggestion, ...], BeforeValidator(_none_taken)] = Field(
        (), max_length=200
    )
    override_reason: OverrideReason | None = None


class FeedbackRequest(Message):
    """A batch of feedback, over one or more calls."""

    feedback: tuple[Feedback, ...] = Field(min_length=1, max_length=1000)


def parse_request(body: Any, *, strict_authorization: bool = False) -> HookRequest:
    """The call in a JSON body. Raises `BadRequest` naming the field that is wrong, never its value.

    ``strict_authorization``: every field of ``fhirAuthorization`` that CDS Hooks requires, not the
    token alone.
    """
    request = _parsed(HookRequest, body)
    if request.fhir_authorization is not None and request.fhir_server is None:
        raise BadRequest("fhirServer is required when fhirAuthorization is given", field="fhirServer")
    if strict_authorization and (faults := authorization_faults(body.get("fhirAuthorization"))):
        field = f"fhirAuthorization.{faults[0]}"
        raise BadRequest(f"{field} is missing or not valid", field=field)
    return request


def parse_feedback(body: Any) -> FeedbackRequest:
    """The feedback in a JSON body. Raises `BadRequest` naming the field that is wrong."""
    request = _parsed(FeedbackRequest, body)
    for place, entry in enumerate(request.feedback):
        if entry.outcome == "accepted" and not entry.accepted_suggestions:
            field = f"feedback[{place}].acceptedSuggestions"
            raise BadRequest(f"{field} is required when the outcome is accepted", field=field)
    return request


def _parsed(kind: type[_M], body: Any) -> _M:
    if not isinstance(body, dict):
        raise BadRequest("the body has to be a JSON object")
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = _path(fault["loc"])
        why = "is required" if fault["type"] == "missing" else "is not valid"
        raise BadRequest(f"{field} {why}", field=field) from None


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.lstrip(".")[:120] or "body"
