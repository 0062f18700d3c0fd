"""The proxy's faults are what they are called; otherwise the table of faults would try something else."""

import json
import socket
import time
from email.message import Message
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from benchmarks.faults import Planted
from cds_service.outbound.session import OutboundError, get_json, new_session
from fhir_mappings.queries import CLINICAL, own_searches
from tests.integration.asking import AS_OF
from tests.integration.fault_kinds import KINDS
from tests.integration.fault_proxy import Asked, proxied
from tests.integration.fault_table import key_of
from tests.loopback import always, http, listening

LABS = next(query for query in CLINICAL if query.key == "labs")
ENTRIES = [{"resource": {"id": "1"}}, {"resource": {"id": "2"}}]
ANSWER = http(json.dumps({"resourceType": "Bundle", "entry": ENTRIES}).encode())


def through(kind: str, **headers: str) -> Any:
    """The JSON of one search through a fault; the reason where there is none."""
    with (
        listening(always(ANSWER)) as (base, _),
        proxied(base, lambda _: KINDS[kind]) as proxy,
        new_session() as session,
    ):
        try:
            return get_json(session, f"{proxy.base}/Observation", headers=headers, until=time.monotonic() + 0.5)
        except OutboundError as error:
            return error.why


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("late by 3 s", "timed out"),
        ("hangs before headers", "timed out"),
        ("hangs after headers", "timed out"),
        ("drips", "timed out"),
        ("closes unanswered", "connection broken"),
        ("reset mid-body", "connection broken"),
        ("truncated JSON", "answer is not JSON"),
        ("HTML error page, 502", "answered 502"),
        ("401 expired", "answered 401"),
    ],
)
def test_a_fault_is_what_it_is_called(kind: str, why: str):
    """As a client sees it."""
    assert why == through(kind)


def test_a_reset_is_no_end_of_the_body():
    """The socket breaks with an error."""
    with (
        listening(always(ANSWER)) as (base, _),
        proxied(base, lambda _: KINDS["reset mid-body"]) as proxy,
        _asking(proxy.base) as caller,
        pytest.raises(ConnectionResetError),
    ):
        _read(caller)


def _read(caller: socket.socket) -> None:
    """All that comes until the other side ends."""
    while caller.recv(1000):
        pass


def test_a_stale_answer_is_given_to_those_who_do_not_ask_for_a_fresh_one():
    """Otherwise the row on caches would hold of any client."""
    assert 1 == len(through("stale cache")["entry"])
    assert 2 == len(through("stale cache", **{"Cache-Control": "no-cache"})["entry"])


def test_pages_hold_each_entry_once_and_gone_ones_come_back_once():
    """Three pages by links of the proxy; started again after the 410, all are there."""
    with (
        listening(always(ANSWER)) as (base, _),
        proxied(base, lambda _: KINDS["410 on a next, once"]) as proxy,
        requests.Session() as session,
    ):
        assert [1, 410] == _followed(session, f"{proxy.base}/Observation")
        assert [1, 1, 0] == _followed(session, f"{proxy.base}/Observation")


def _followed(session: requests.Session, url: str) -> list[int]:
    """Entries by page, or the status of what is none."""
    found: list[int] = []
    while url:
        answer = session.get(url, timeout=5)
        if answer.status_code != 200:
            return [*found, answer.status_code]
        found.append(len(answer.json()["entry"]))
        url = next((link["url"] for link in answer.json()["link"]), "")
    return found


def test_searches_by_post_are_told_apart_by_what_they_ask_and_parted_too():
    """Their parameters are in the body: each meets its own fault, and its answer is no read's."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    planted = Planted(1, 1.0)
    with listening(always(ANSWER)) as (base, _), proxied(base, lambda _: KINDS["pages"]) as proxy:
        for code in ("1", "2", "1"):
            answer = requests.post(f"{proxy.base}/Observation/_search", f"code={code}", headers=form, timeout=5)
            assert (1, True) == (len(answer.json()["entry"]), "link" in answer.json())
    assert [1, 1, 2] == [asked.number for asked in proxy.heard]
    assert 2 == len({asked.searched for asked in proxy.heard})
    many = [Asked("POST", "/Observation/_search", "", Message(), f"code={n}".encode(), 1) for n in range(40)]
    assert 5 < len({planted(one) for one in many})


def test_a_request_belongs_to_the_query_that_it_answers():
    """By GET or by POST, in the first place or in another's."""
    labs = dict(own_searches(LABS, "p1", t0=None, as_of=AS_OF)[0].params)
    posted = Asked("POST", "/Observation/_search", "", Message(), urlencode(labs).encode(), 1)
    read = [Asked("GET", path, "", Message(), b"", 1) for path in ("/Patient/p1", "/Binary/b1", "/Encounter/e")]
    searched = [Asked("GET", path, "patient=p1", Message(), b"", 1) for path in ("/Encounter", "/DocumentReference")]
    assert "labs" == key_of(posted)
    assert ["patient", "follow-ups", "follow-ups"] == list(map(key_of, read))
    assert ["encounters", "reports"] == list(map(key_of, searched))


def test_a_hanging_request_ends_with_the_proxy():
    """Nothing is left waiting when a test is over."""
    with (
        proxied("http://127.0.0.1:9/fhir", lambda _: KINDS["hangs before headers"]) as proxy,
        _asking(proxy.base) as caller,
    ):
        begun = time.monotonic()
        proxy.ended.set()
        assert b"" == caller.recv(1)
    assert 1 > time.monotonic() - begun


def test_the_trial_plants_the_same_faults_for_the_same_seed_and_as_many_as_it_says():
    """Which request meets which fault does not depend on who came first."""
    requests_ = [Asked("GET", f"/Observation/{number}", "", Message(), b"", 1) for number in range(500)]
    first, second, other = Planted(1, 0.2), Planted(1, 0.2), Planted(2, 0.2)
    assert [first(one) for one in requests_] == [second(one) for one in reversed(requests_)][::-1]
    assert [first(one) for one in requests_] != [other(one) for one in requests_]
    assert 60 < 500 - second.counts["none"] < 140


def _asking(base: str) -> socket.socket:
    """A connection on which one request was sent."""
    host, _, port = base.removeprefix("http://").removesuffix("/fhir").partition(":")
    caller = socket.create_connection((host, int(port)), timeout=5)
    caller.sendall(b"GET /fhir/Observation HTTP/1.1\r\nHost: x\r\n\r\n")
    return caller
