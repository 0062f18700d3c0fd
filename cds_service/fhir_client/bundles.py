"""What a Bundle holds: its resources, its next page, what it says of errors; and in which order things are read."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from cds_service.outbound.session import OutboundError
from fhir_mappings.snapshot import Raw
from fhir_mappings.windows import instant

LONG_AGO = datetime.min.replace(tzinfo=UTC)
_PERIODS = ("effectivePeriod", "period", "performedPeriod")
_MOMENTS = (
    "effectiveDateTime", "effectiveInstant", "performedDateTime", "authored", "authoredOn", "issued", "date",
    "recordedDate",
)  # fmt: skip
_VERSION = re.compile("[0-9]{1,64}")
"""A ``versionId`` that is a number; FHIR ids have at most 64 signs."""


def next_link(bundle: Any) -> str | None:
    """The ``next`` link of a Bundle."""
    return _link(bundle, "next")


def self_link(bundle: Any) -> str | None:
    """The ``self`` link of a Bundle: the search as the server took it (FHIR R4, Search, Server Conformance)."""
    return _link(bundle, "self")


def _link(bundle: Any, relation: str) -> str | None:
    links = bundle.get("link") if isinstance(bundle, dict) else None
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("relation") == relation and isinstance(link.get("url"), str):
            return str(link["url"])
    return None


def outcome_failed(bundle: Any) -> bool:
    """True where an entry tells of an error or a fatal one; warnings are no failure."""
    for raw in resources_of(bundle):
        if raw.get("resourceType") != "OperationOutcome":
            continue
        issues = raw.get("issue")
        severities = (
            [one.get("severity") for one in issues if isinstance(one, dict)] if isinstance(issues, list) else []
        )
        if not severities or {"error", "fatal"} & {str(severity) for severity in severities}:
            return True
    return False


def resources_of(bundle: Any) -> Iterator[Raw]:
    """The resource of each entry; an empty one for an entry without."""
    return (_resource(entry) for entry in _entries(bundle))


def matches(bundle: Any) -> list[Raw]:
    """The entries' resources without remarks on the search: OperationOutcomes, and what says that it is one."""
    found = [_resource(entry) for entry in _entries(bundle) if not _is_remark(entry)]
    return [raw for raw in found if raw.get("resourceType") != "OperationOutcome"]


def answer_of(bundle: Any) -> list[Raw]:
    """What a search brought. Raises `OutboundError` where it is no Bundle or one that tells of an error."""
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise OutboundError("answered no Bundle")
    if outcome_failed(bundle):
        raise OutboundError("answered with an error")
    return matches(bundle)


def moment_of(raw: Raw) -> datetime | None:
    """When a raw resource happened, as far as a search by date would say."""
    for member in _PERIODS:
        period = raw.get(member)
        if isinstance(period, dict):
            return instant(period.get("start"))
    return next((moment for member in _MOMENTS if (moment := instant(raw.get(member)))), None)


def newest_first(raws: Iterable[Raw]) -> tuple[Raw, ...]:
    """By time, what has none last, and by id within one moment: in whatever order they came."""
    by_id = sorted(raws, key=lambda raw: str(raw.get("id")))
    return tuple(sorted(by_id, key=lambda raw: moment_of(raw) or LONG_AGO, reverse=True))


def version_of(raw: Raw) -> tuple[datetime, int]:
    """Orders the versions of one resource: by ``meta.lastUpdated``, then by a ``versionId`` that is a number."""
    meta = raw.get("meta")
    told: Mapping[str, Any] = meta if isinstance(meta, dict) else {}
    number = str(told.get("versionId", ""))
    return instant(told.get("lastUpdated")) or LONG_AGO, int(number) if _VERSION.fullmatch(number) else 0


def _entries(bundle: Any) -> Iterator[Any]:
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    return iter(entries if isinstance(entries, list) else ())


def _resource(entry: Any) -> Raw:
    resource = entry.get("resource") if isinstance(entry, dict) else None
    return resource if isinstance(resource, dict) else {}


def _is_remark(entry: Any) -> bool:
    search = entry.get("search") if isinstance(entry, dict) else None
    return isinstance(search, dict) and search.get("mode") == "outcome"
