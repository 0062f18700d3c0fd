"""The raw chart: what the queries of one patient answered, by query key, before anything is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fhir_mappings.snapshot import Issue, Raw


@dataclass(frozen=True)
class RawChart:
    """Resources by query key (``fhir_mappings.queries``), as they arrived.

    A key with an empty tuple was answered with no data; a key in ``unanswered`` failed or was
    never asked successfully; ``issues`` are what was met while collecting (incomplete answers,
    failed queries). The same resource may stand under several keys.
    """

    patient_id: str
    resources: Mapping[str, tuple[Raw, ...]] = field(default_factory=dict)
    unanswered: frozenset[str] = frozenset()
    issues: tuple[Issue, ...] = ()


def raws_of(chart: RawChart) -> tuple[Raw, ...]:
    """Every raw resource of a chart, whatever key it was found under."""
    return tuple(raw for held in chart.resources.values() for raw in held)
