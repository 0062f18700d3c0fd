"""What an EHR sent along: which keys are answered, and which are missing or incomplete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cds_service.fhir_client.bundles import matches, moment_of, newest_first, next_link, outcome_failed, self_link
from cds_service.fhir_client.paging import MOST_ENTRIES
from fhir_mappings.queries import Query
from fhir_mappings.snapshot import Issue, Raw


@dataclass(frozen=True)
class Sent:
    """The answer to one query as prefetched. ``complete`` is False where more is known to exist.

    ``resources`` is None where it is no answer, and has to be fetched. ``narrow``: all that the template
    asks for is there, and our own search would find more (`Query.leaves_out`).
    """

    resources: tuple[Raw, ...] | None
    complete: bool = True
    issues: tuple[Issue, ...] = ()
    narrow: bool = False

    @property
    def suffices(self) -> bool:
        """True where nothing has to be asked beside it."""
        return self.complete and not self.narrow


_PATIENT = frozenset({"patient", "subject"})
_NARROW_NOTHING = frozenset({"_count", "_sort", "_format", "_pretty"})

FAILED = Sent(None, complete=False)


def sent(query: Query, prefetch: Mapping[str, Any] | None, patient_id: str, since: datetime | None = None) -> Sent:
    """The prefetched answer to a query; `FAILED` where the key is absent or its value no answer.

    ``null`` and a Bundle without entries mean asked and nothing charted (CDS Hooks 2.0.1,
    prefetch). An OperationOutcome, as the value or in an entry, means failed. A Bundle with as
    many entries as its template's ``_count`` is whole only if it reaches back to ``since``. Where a site
    has a template of its own, the standard one under the old key answers only a part of it. What an
    EHR sends beside the resources of another key (`Query.part_of`) counts as if under its own. An answer
    to a template that leaves out what is over is narrow, unless it shows that more was asked.
    """
    if prefetch is not None and query.offered_as and query.offered_as not in prefetch:
        return replace(sent(replace(query, offered_as=None), prefetch, patient_id, since), complete=False)
    key = query.offered_as or query.key
    if prefetch is None:
        return FAILED
    if key not in prefetch:
        return _carried(query, prefetch.get(query.part_of)) if query.part_of else FAILED
    value = prefetch[key]
    if value is None:
        return Sent((), narrow=query.leaves_out)
    if isinstance(value, dict) and value.get("resourceType") == query.resource_type:
        return _alone(value, patient_id)
    return _bundled(query, value, since)


def _carried(query: Query, value: Any) -> Sent:
    """The resources of a query among those of another key; none there is no answer."""
    found = tuple(raw for raw in matches(value) if raw.get("resourceType") == query.resource_type)
    if not found or outcome_failed(value):
        return FAILED
    return Sent(found, complete=next_link(value) is None)


def _bundled(query: Query, value: Any, since: datetime | None) -> Sent:
    if not isinstance(value, dict) or value.get("resourceType") != "Bundle" or outcome_failed(value):
        return FAILED
    found = matches(value)
    sent_along = tuple(raw for raw in found if raw)
    resources, too_many = _newest(query, sent_along)
    complete = next_link(value) is None and not too_many and not _cut_off(query, resources, since)
    narrow = query.leaves_out and not _asks_for_all(query, value) and not any(map(_is_over, resources))
    return Sent(resources, complete, (*_bare(query, len(found) - len(sent_along)), *too_many), narrow)


def _asks_for_all(query: Query, bundle: Any) -> bool:
    """True where the Bundle's link to itself, which tells the parameters used, narrows it to the patient alone."""
    try:
        asked = urlsplit(self_link(bundle) or "")
    except ValueError:
        return False
    names = {name for name, _ in parse_qsl(asked.query)}
    of_patient = names - _NARROW_NOTHING
    return asked.path.split("/")[-1] == query.resource_type and bool(of_patient) and of_patient <= _PATIENT


def _is_over(raw: Raw) -> bool:
    return raw.get("status") == "finished"


def _newest(query: Query, found: Sequence[Raw]) -> tuple[tuple[Raw, ...], tuple[Issue, ...]]:
    """The newest of more resources than are ever read of one query, those without a time last; and that it is so."""
    if len(found) <= MOST_ENTRIES:
        return tuple(found), ()
    text = f"{query.name}: {len(found)} were sent, the newest {MOST_ENTRIES} are read"
    return newest_first(found)[:MOST_ENTRIES], (Issue("incomplete", text, about=query.key),)


def _alone(value: Raw, patient_id: str) -> Sent:
    """A bare resource; a Patient who is another one is no answer."""
    if value["resourceType"] == "Patient" and value.get("id") != patient_id:
        issue = Issue("wrong-patient", "the prefetched Patient is another one and was refused", about="patient")
        return Sent(None, complete=False, issues=(issue,))
    return Sent((value,))


def _bare(query: Query, count: int) -> tuple[Issue, ...]:
    if count == 0:
        return ()
    return (Issue("malformed", f"{query.key}: entries without a resource left out ({count})", about=query.key),)


def _cut_off(query: Query, found: Sequence[Raw], since: datetime | None) -> bool:
    """True where the answer is as long as was asked for and does not reach back to ``since``."""
    if query.count is None or len(found) < query.count:
        return False
    moments = [moment for raw in found if (moment := moment_of(raw))]
    return since is None or not moments or min(moments) > since
