"""Everything that can go wrong in a call, as the EHR sees it.

CdsError
├── BadRequest            400  the body is not a CDS Hooks request; names the field
├── NotAuthenticated      401  nothing more is said, on purpose
├── UnknownService        404  no such service
├── MissingData           412  required FHIR data was neither sent nor reachable
├── TooLarge              413  the body is over the limit
├── UnsupportedMediaType  415  the body is not declared as JSON
├── NotReady              503  feedback cannot be kept at the moment
└── Busy                  503  too many calls at once; says when to come again
"""

from typing import Any


class CdsError(Exception):
    """A failure with the status and the FHIR issue type (http://hl7.org/fhir/issue-type) it is told by."""

    status = 500
    issue_type = "exception"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message, self.field = message, field


class BadRequest(CdsError):
    """The body is not a CDS Hooks request."""

    status, issue_type = 400, "invalid"


class NotAuthenticated(CdsError):
    """The call does not prove who makes it; ``message`` is a reason code for the log, never sent."""

    status, issue_type = 401, "login"


class UnknownService(CdsError):
    """There is no such service."""

    status, issue_type = 404, "not-found"


class MissingData(CdsError):
    """A required query could be answered neither from prefetch nor from a FHIR server."""

    status, issue_type = 412, "required"


class TooLarge(CdsError):
    """The body is over the limit."""

    status, issue_type = 413, "too-long"


class UnsupportedMediaType(CdsError):
    """The body is not declared as JSON."""

    status, issue_type = 415, "not-supported"


class NotReady(CdsError):
    """What the call needs is not there at the moment; asking again may help."""

    status, issue_type = 503, "transient"


class Busy(CdsError):
    """Too many calls at once; asking again after so many seconds helps."""

    status, issue_type = 503, "throttled"
    retry_after_s = 1


def operation_outcome(error: CdsError) -> dict[str, Any]:
    """The FHIR OperationOutcome that tells an error."""
    issue: dict[str, Any] = {"severity": "error", "code": error.issue_type, "diagnostics": error.message}
    if error.field:
        issue["expression"] = [error.field]
    return {"resourceType": "OperationOutcome", "issue": [issue]}
