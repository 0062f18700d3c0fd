"""One version of each resource: the one that the chart held at a moment."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from fhir_mappings.snapshot import Raw
from fhir_mappings.windows import instant

_NEVER = datetime.min.replace(tzinfo=UTC)


def held_at(raws: Iterable[Any], as_of: datetime | None = None) -> list[Any]:
    """The raws with one version of each ``Type/id``: the newest at ``as_of``, or of all without it.

    A version was there from its ``issued`` on, where versions differ in it, else from
    ``meta.lastUpdated``. A lone version stays: what a server calls "last updated" is often the day
    on which it was loaded. Prefetch and pages may bring two versions of one resource, too.
    """
    groups: dict[object, list[Any]] = {}
    for number, raw in enumerate(raws):
        groups.setdefault(_key(raw) or number, []).append(raw)
    return [group[0] if len(group) == 1 else _newest(group, as_of) for group in groups.values()]


def has_versions(raws: Iterable[Any]) -> bool:
    """True where a resource stands there in versions that differ."""
    seen: dict[tuple[str, str], Any] = {}
    return any(seen.setdefault(key, raw) != raw for raw in raws if (key := _key(raw)))


def _key(raw: Any) -> tuple[str, str] | None:
    """Type and id; None for what cannot be told apart by them."""
    kind, id_ = (raw.get("resourceType"), raw.get("id")) if isinstance(raw, dict) else (None, None)
    return (kind, id_.strip()) if isinstance(kind, str) and isinstance(id_, str) and id_.strip() else None


def _newest(group: Sequence[Raw], as_of: datetime | None) -> Raw:
    by_issue = len({_issued(raw) for raw in group}) > 1
    ordered = sorted(group, key=lambda raw: (_issued(raw), _updated(raw)) if by_issue else (_updated(raw), _NEVER))
    there = [raw for raw in ordered if as_of is None or (_issued(raw) if by_issue else _updated(raw)) <= as_of]
    return (there or ordered[:1])[-1]


def _issued(raw: Raw) -> datetime:
    return instant(raw.get("issued")) or _NEVER


def _updated(raw: Raw) -> datetime:
    meta = raw.get("meta")
    return instant(meta.get("lastUpdated") if isinstance(meta, dict) else None) or _NEVER
