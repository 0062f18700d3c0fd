"""One deadline for a whole call, counted from the moment when its request was there.

The wait for its turn, for the EHR's keys and for the FHIR server are all part of it.
"""

from cds_service.settings import Settings


def deadline_s(settings: Settings, issuer: str | None) -> float:
    """The seconds that this EHR gives a whole call."""
    given = (one.deadline_ms for one in settings.issuers if one.iss == issuer)
    return next((ms for ms in given if ms is not None), settings.deadline_ms) / 1000


def reading_s(settings: Settings, issuer: str | None) -> float:
    """The part of it in which keys and chart may be waited for; the rest is the model's and the card's."""
    return deadline_s(settings, issuer) - settings.reserve_ms / 1000
