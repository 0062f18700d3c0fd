"""All pages of one search: followed on our own base, bounded, checked, each resource once."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urljoin, urlsplit

from cds_service.fhir_client.bundles import answer_of, moment_of, newest_first, next_link, version_of
from cds_service.outbound.session import OutboundError
from fhir_mappings.queries import Search
from fhir_mappings.snapshot import Raw

MOST_PAGES = 10
MOST_ENTRIES = 5000
"""Of one search: vital signs every 15 minutes for 7 days are some 3,000 (assumption)."""

_CLIMBS = re.compile(r"(^|/)\.\.?(/|$)|%|\\")
_GONE = 410
_Ended = Literal["whole", "part", "gone"]
First = Callable[[], tuple[Search, Any]]
"""Asks for the first page: the search as the server took it, and what it answered."""


class WrongPatientError(OutboundError):
    """An answer held another patient's data and was rejected as a whole."""

    def __init__(self) -> None:
        super().__init__("answered with another patient's data")


@dataclass(frozen=True)
class Found:
    """What was found, the newest first; ``complete`` is False where pages were left unread.

    ``dropped`` counts the entries of this patient that were not asked for: of another type, or another code.
    """

    resources: tuple[Raw, ...]
    complete: bool = True
    dropped: int = 0


@dataclass
class _Kept:
    """What the pages of one search have brought so far, each resource in its newest version.

    ``search`` is what was asked at last: a server that refuses one is asked more plainly.
    """

    search: Search
    patient_id: str
    codes: frozenset[str]
    resources: dict[object, Raw] = field(default_factory=dict)
    entries: int = 0
    dropped: int = 0

    def add(self, bundle: Any) -> None:
        """A page. Raises `OutboundError`, also where another patient's entry is among its own."""
        entries = answer_of(bundle)
        if any(is_of_other(raw, self.patient_id) for raw in entries):
            raise WrongPatientError
        own = [raw for raw in entries if raw.get("resourceType") == self.search.path]
        asked = [raw for raw in own if not self.codes or self.codes & _codes_of(raw)]
        self.entries += len(entries)
        self.dropped += len(entries) - len(asked)
        for raw in asked:
            key = raw.get("id") if isinstance(raw.get("id"), str) else len(self.resources)
            held = self.resources.get(key)
            self.resources[key] = raw if held is None or version_of(raw) > version_of(held) else held

    @property
    def is_enough(self) -> bool:
        """True where the entries stand in the order that was asked for and reach as far as was asked.

        From the newest on a window without its end is never reached: what came is not of it.
        """
        oldest_first = ("_sort", "date") in self.search.params
        if self.search.span is None or (not oldest_first and _has_no_end(self.search)):
            return False
        moments = [moment_of(raw) for raw in self.resources.values()]
        there = [moment for moment in moments if moment]
        if not there or len(there) < len(moments):
            return False
        return there == sorted(there, reverse=not oldest_first) and abs(there[-1] - there[0]) >= self.search.span


def _has_no_end(search: Search) -> bool:
    """True where a search by date begins somewhere and ends nowhere."""
    bounds = {value[:2] for name, value in search.params if name == "date"}
    return bounds == {"ge"}


def all_pages(search: Search, patient_id: str, first: First, following: Callable[[str], Any], base: str) -> Found:
    """All pages of a search. Raises `OutboundError`, also where another patient's entry comes.

    A later page that cannot be read leaves the answer incomplete, and so do more entries or pages
    than are ever read and a ``next`` that was read before. Where a server has forgotten the pages
    (410) the search is begun once more.
    """
    kept = _Kept(search, patient_id, codes_in(search))
    ended = _round(kept, first, following, base)
    if ended == "gone":
        try:
            ended = _round(kept, first, following, base)
        except WrongPatientError:
            raise
        except OutboundError:
            ended = "part"
    resources = newest_first(kept.resources.values())
    return Found(resources[:MOST_ENTRIES], ended == "whole", kept.dropped)


def _round(kept: _Kept, first: First, following: Callable[[str], Any], base: str) -> _Ended:
    """Read from the first page on; how it ended. Raises `OutboundError` for the first page only, or a wrong patient."""
    kept.search, bundle = first()
    kept.add(bundle)
    read = set[str]()
    while (link := next_link(bundle)) is not None and not kept.is_enough:
        try:
            url = rebased(base, link, kept.search.path)
            if url in read or len(read) + 1 == MOST_PAGES or kept.entries > MOST_ENTRIES:
                return "part"
            read.add(url)
            bundle = following(url)
            kept.add(bundle)
        except WrongPatientError:
            raise
        except OutboundError as error:
            return "gone" if error.status == _GONE else "part"
    return "part" if kept.entries > MOST_ENTRIES else "whole"


def rebased(base: str, url: str, resource_type: str) -> str:
    """A ``next`` link on our own base: behind a proxy it may name an inner host and path.

    Raises `OutboundError` where it cannot be told what is meant: the token goes nowhere else.
    """
    try:
        parts = urlsplit(urljoin(f"{base}/{resource_type}", url))
    except ValueError:
        raise OutboundError("next page not on its base") from None
    base_path = urlsplit(base).path
    if _CLIMBS.search(parts.path):
        raise OutboundError("next page not on its base")
    path = parts.path.rstrip("/")
    if path == base_path or path.startswith(f"{base_path}/"):
        below = path.removeprefix(base_path)
    elif path.endswith(f"/{resource_type}"):
        below = f"/{resource_type}"
    elif "_getpages=" in parts.query:
        below = ""
    else:
        raise OutboundError("next page not on its base")
    return f"{base}{below}?{parts.query}"


def is_of_other(resource: Raw, patient_id: str) -> bool:
    """True where a resource names another patient; one that names none is left to the reading."""
    if resource.get("resourceType") == "Patient":
        return resource.get("id") != patient_id
    members = (resource.get(name) for name in ("subject", "patient"))
    named = [member["reference"] for member in members if isinstance(member, dict) and "reference" in member]
    return any(isinstance(one, str) and _patient_in(one) != ["Patient", patient_id] for one in named)


def _patient_in(reference: str) -> list[str]:
    return reference.split("/_history", maxsplit=1)[0].split("/")[-2:]


def codes_in(search: Search) -> frozenset[str]:
    """The codes that a search names, without their systems; none where it is not by code."""
    lists = (value for name, value in search.params if name == "code")
    return _plain(token.rpartition("|")[2] for each in lists for token in each.split(","))


def _codes_of(raw: Raw) -> frozenset[str]:
    """The codes of a resource, whatever their system: servers know more spellings of one than we asked for."""
    concept = raw.get("code")
    codings = concept.get("coding") if isinstance(concept, dict) else None
    each = codings if isinstance(codings, list) else [codings]
    return _plain(str(one.get("code")) for one in each if isinstance(one, dict))


def _plain(codes: Iterable[str]) -> frozenset[str]:
    return frozenset(code.strip().casefold() for code in codes)
