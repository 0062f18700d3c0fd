"""What reads of a FHIR server are authorized by where it is not the token of the call."""

from typing import Protocol

from cds_service.outbound.session import OutboundError


class NoTokenError(OutboundError):
    """No access token could be had; says why by reason codes, and the FHIR server was not asked."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no access token could be had ({why})")
        self.reason = why


class TokenSource(Protocol):
    """Where access tokens for one FHIR server come from, for any number of threads."""

    def token(self, until: float) -> str:
        """A token, waited for no longer than a `time.monotonic` moment. Raises `NoTokenError`."""

    def refused(self, token: str) -> bool:
        """Told that the FHIR server answered this token with 401: True where another one may be had."""
