"""Faults of FHIR servers by name: each answers one exchange of the proxy in its own wrong way.

Bodies of refusals echo the caller's token and request, as some servers' do, beside `MARK`: none of it
may reach a log or an answer of ours.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from fhir_mappings.windows import instant
from tests.integration.fault_pages import cyclic, elsewhere, endless, gone, gone_once, inner_host, paged
from tests.integration.fault_proxy import Exchange, Fault, Reply, passed

MARK = "upstream-internals-5c1f"
OTHER_PATIENT = "somebody-else"
_FHIR = {"Content-Type": "application/fhir+json"}
_LARGE = 31_000_000
"""Over the largest answer that is read, 30 MB."""

_SKEW = timedelta(minutes=10)


def late(seconds: float) -> Fault:
    """The right answer, so much later."""

    def fault(exchange: Exchange) -> None:
        exchange.proxy.ended.wait(seconds)
        passed(exchange)

    return fault


def hangs_before_headers(exchange: Exchange) -> None:
    """Nothing at all."""
    exchange.hang()


def hangs_after_headers(exchange: Exchange) -> None:
    """Headers, a third of the body, and nothing more."""
    reply = exchange.forwarded()
    exchange.begin(reply, len(reply.body) // 3)
    exchange.hang()


def drips(exchange: Exchange) -> None:
    """A byte every 50 ms: no single one is late."""
    reply = exchange.forwarded()
    exchange.begin(reply, 1)
    exchange.drip(reply.body[1:], 0.05)


def closes_unanswered(exchange: Exchange) -> None:
    """The connection ended without an answer."""
    exchange.handler.close_connection = True


def resets_mid_body(exchange: Exchange) -> None:
    """Half of the body, and a reset."""
    reply = exchange.forwarded()
    exchange.begin(reply, len(reply.body) // 2)
    exchange.reset()


def truncated(exchange: Exchange) -> None:
    """Half of the JSON as if it were all."""
    reply = exchange.forwarded()
    exchange.send(Reply(reply.status, reply.body[: len(reply.body) // 2], reply.headers))


def declared_as(content_type: str) -> Fault:
    """The right body under another content type."""

    def fault(exchange: Exchange) -> None:
        reply = exchange.forwarded()
        exchange.send(Reply(reply.status, reply.body, dict(reply.headers) | {"Content-Type": content_type}))

    return fault


def in_xml(exchange: Exchange) -> None:
    """FHIR's XML, whatever was accepted."""
    body = f'<Bundle xmlns="http://hl7.org/fhir"><id value="{MARK}"/></Bundle>'
    exchange.send(Reply(200, body.encode(), {"Content-Type": "application/fhir+xml"}))


def page_of_html(status: int) -> Fault:
    """A proxy's or an application server's page of HTML."""

    def fault(exchange: Exchange) -> None:
        asked = exchange.asked
        body = f"<html><h1>{status}</h1><pre>{MARK} {asked.caller} {asked.target}</pre></html>"
        exchange.send(Reply(status, body.encode(), {"Content-Type": "text/html"}))

    return fault


def refused(status: int, **headers: str) -> Fault:
    """An OperationOutcome with this status."""

    def fault(exchange: Exchange) -> None:
        text = f"{MARK} {exchange.asked.caller} {exchange.asked.target}"
        issue = {"severity": "error", "code": "processing", "diagnostics": text}
        body = {"resourceType": "OperationOutcome", "issue": [issue]}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        exchange.send(Reply(status, json.dumps(body).encode(), _FHIR | named))

    return fault


def once(fault: Fault) -> Fault:
    """The fault for a request's first time, and then none."""
    return lambda exchange: (fault if exchange.asked.number == 1 else passed)(exchange)


def fast_clock_asks_to_wait(exchange: Exchange) -> None:
    """A 429 by a server whose clock is an hour ahead: wait until one second from its now."""
    now = datetime.now(UTC) + timedelta(hours=1)
    date, again = (format_datetime(moment, usegmt=True) for moment in (now, now + timedelta(seconds=1)))
    refused(429, Date=date, Retry_After=again)(exchange)


def changed(change: Callable[[list[Any], Exchange], list[Any]]) -> Fault:
    """The answer of a search with its entries changed; a read becomes the first of them."""

    def fault(exchange: Exchange) -> None:
        reply = exchange.forwarded()
        body = json.loads(reply.body)
        if body.get("resourceType") == "Bundle":
            body["entry"] = change(body.get("entry", []), exchange)
        elif left := change([{"resource": body}], exchange):
            body = left[0]["resource"]
        exchange.send(Reply(reply.status, json.dumps(body).encode(), reply.headers))

    return fault


def _doubled(entries: list[Any], _: Exchange) -> list[Any]:
    return [*entries, *entries]


def _anothers(entries: list[Any], exchange: Exchange) -> list[Any]:
    """One more resource of the type asked, of another patient; a read becomes that patient."""
    type_ = exchange.asked.path.strip("/").partition("/")[0]
    subject = {} if type_ == "Patient" else {"subject": {"reference": f"Patient/{OTHER_PATIENT}"}}
    return [{"resource": {"resourceType": type_, "id": OTHER_PATIENT} | subject}, *entries]


def _with_warning(entries: list[Any], _: Exchange) -> list[Any]:
    issue = {"severity": "warning", "code": "informational", "diagnostics": MARK}
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
    return [*entries, {"resource": outcome, "search": {"mode": "outcome"}}]


def _moment(entry: Any) -> datetime:
    moment = instant(entry["resource"].get("effectiveDateTime"))
    return moment or datetime.min.replace(tzinfo=UTC)


def _without_newest(entries: list[Any], _: Exchange) -> list[Any]:
    return sorted(entries, key=_moment)[:-1]


def _newest_ahead(entries: list[Any], exchange: Exchange) -> list[Any]:
    """The newest Observation charted just now by a clock that is ahead; the others as they are."""
    *older, newest = sorted(entries, key=_moment)
    ahead = (exchange.proxy.moment + _SKEW).isoformat()
    return [*older, {"resource": newest["resource"] | {"effectiveDateTime": ahead, "issued": ahead}}]


def stale(exchange: Exchange) -> None:
    """A cache in front, as HAPI's: without ``no-cache`` the newest entry is not in the answer yet."""
    fresh = "no-cache" in exchange.asked.headers.get("Cache-Control", "")
    (passed if fresh else changed(_without_newest))(exchange)


def large(exchange: Exchange) -> None:
    """The right answer in 31 MB, most of them white space."""
    reply = exchange.forwarded()
    exchange.send(Reply(reply.status, reply.body[:1] + b" " * _LARGE + reply.body[1:], reply.headers))


KINDS: Mapping[str, Fault] = {
    "late by 0.3 s": late(0.3),
    "late by 3 s": late(3.0),
    "hangs before headers": hangs_before_headers,
    "hangs after headers": hangs_after_headers,
    "drips": drips,
    "closes unanswered once": once(closes_unanswered),
    "closes unanswered": closes_unanswered,
    "reset mid-body once": once(resets_mid_body),
    "reset mid-body": resets_mid_body,
    "truncated JSON": truncated,
    "wrong content type": declared_as("text/html"),
    "XML": in_xml,
    "HTML page, 200": page_of_html(200),
    "HTML error page, 502": page_of_html(502),
    "401 expired": refused(401, WWW_Authenticate='Bearer error="invalid_token"'),
    "403": refused(403),
    "404": refused(404),
    "429 once, Retry-After 1": once(refused(429, Retry_After="1")),
    "429, Retry-After 30": refused(429, Retry_After="30"),
    "429 once": once(refused(429)),
    "429": refused(429),
    "429 once, RateLimit reset 1": once(refused(429, RateLimit="limit=100, remaining=0, reset=1")),
    "503 once, Retry-After 1": once(refused(503, Retry_After="1")),
    "500 once": once(refused(500)),
    "500": refused(500),
    "pages": paged,
    "410 on a next, once": gone_once,
    "410 on every next": gone,
    "endless pages": endless,
    "cyclic pages": cyclic,
    "next on an inner host": inner_host,
    "next on another host": elsewhere,
    "stale cache": stale,
    "31 MB": large,
    "duplicates": changed(_doubled),
    "outcome entry": changed(_with_warning),
    "another patient": changed(_anothers),
    "clock ahead, Retry-After": once(fast_clock_asks_to_wait),
    "clock ahead, newest result": changed(_newest_ahead),
}
"""Every fault by its name in ``faults.toml``."""
