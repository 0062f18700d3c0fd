"""Resources behind the rules of Oracle Health's pages (`tests.integration.oracle`), without a real server."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from urllib.parse import parse_qsl, urlencode, urlsplit

import requests

from cds_service.fhir_client.bundles import newest_first
from fhir_mappings.reading import READ_TYPES, reference_of
from fhir_mappings.snapshot import Raw
from fhir_mappings.windows import instant
from tests.builders import LOINC, searchset
from tests.fakes import BASE, Answer, FakeFhir
from tests.integration.oracle import Refused, ruled

_BEGIN = "_getpages"


def oracle(raws: Sequence[Raw]) -> FakeFhir:
    """The server with these resources."""
    reads = {reference_of(raw): partial(_read, raw) for raw in raws}
    return FakeFhir(reads | {kind: partial(_search, kind, raws) for kind in READ_TYPES})


def _read(raw: Raw, _: requests.PreparedRequest) -> Answer:
    return 200, raw


def _search(kind: str, raws: Sequence[Raw], request: requests.PreparedRequest) -> Answer:
    query = urlsplit(request.url or "").query
    try:
        params = parse_qsl(query) if _BEGIN in query else ruled(f"/{kind}", query, str(request.headers["Accept"]))
    except Refused as error:
        return error.status, {"resourceType": "OperationOutcome"}
    given = dict(params)
    count, begin = int(given.get("_count", 50)), int(given.pop(_BEGIN, 0))
    asked = [one for one in params if one[0] != _BEGIN]
    found = newest_first(raw for raw in raws if raw["resourceType"] == kind and _matches(raw, asked))
    ordered = found[::-1] if given.get("_sort") == "date" else found
    following = f"{BASE}/{kind}?{urlencode([*asked, (_BEGIN, str(begin + count))])}"
    more = begin + count < len(ordered)
    return 200, searchset(*ordered[begin : begin + count], next_url=following if more else None)


def _matches(raw: Raw, params: Sequence[tuple[str, str]]) -> bool:
    return all(_matches_one(raw, name, value) for name, value in params)


def _matches_one(raw: Raw, name: str, value: str) -> bool:
    match name:
        case "patient":
            return bool(raw["subject"]["reference"] == f"Patient/{value}")
        case "code":
            own = _is_vital(raw) and LOINC not in value  # the site's own codes find no vital signs
            return not own and bool(_tokens(raw.get("code")) & set(value.split(",")))
        case "category":
            return any(_tokens(one) & set(value.split(",")) for one in raw.get("category", ()))
        case "date" | "effective-time":
            return is_within(raw, value)
        case _:
            return True


def _is_vital(raw: Raw) -> bool:
    return any("vital-signs" in _tokens(one) for one in raw.get("category", ()))


def _tokens(concept: Raw | None) -> set[str]:
    """The codings of a concept, with and without their systems."""
    codings = (concept or {}).get("coding", ())
    return {f"{one.get('system')}|{one['code']}" for one in codings} | {one["code"] for one in codings}


def is_within(raw: Raw, bound: str) -> bool:
    """True where a resource keeps a bound of time, such as ``ge2026-03-02T08:00:00Z``."""
    moment, limit = _moment(raw), instant(bound[2:])
    assert limit is not None
    return moment is not None and (moment >= limit if bound.startswith("ge") else moment < limit)


def _moment(raw: Raw) -> datetime | None:
    """The last moment of a resource: an encounter that is not over counts as going on."""
    if raw["resourceType"] == "Encounter":
        return instant(raw["period"].get("end")) or instant("2199-01-01")
    return next((instant(raw[one]) for one in ("effectiveDateTime", "performedDateTime", "issued") if one in raw), None)
