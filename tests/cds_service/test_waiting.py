"""Whether a request is sent once more: as the answer asks, with some chance, within the time that is left."""

import socket
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from cds_service.outbound.session import OutboundError, get_json, new_session, search_json
from cds_service.outbound.waiting import asked_to_wait_s, pause_before_retry_s
from tests.loopback import Heard, Reply, http, listening, request_on

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DATE = format_datetime(NOW, usegmt=True)
LATER = format_datetime(NOW + timedelta(seconds=7), usegmt=True)
EARLIER = format_datetime(NOW - timedelta(seconds=7), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7), ({"retry-after": " 0 "}, 0), ({"Retry-After": LATER, "Date": DATE}, 7),
        ({"Retry-After": EARLIER, "Date": DATE}, 0), ({"RateLimit": '"default";r=0;t=7'}, 7),
        ({"RateLimit": "limit=100, remaining=0, reset=7"}, 7), ({"RateLimit-Reset": "7"}, 7),
        ({"Retry-After": "3", "RateLimit-Reset": "7"}, 3), ({}, None), ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, None), ({"Retry-After": "1.5"}, None), ({"RateLimit": '"a";q=100;w=60'}, None),
        ({"RateLimit-Reset": "x"}, None), ({"Retry-After": "٣"}, None),
    ],
)  # fmt: skip
def test_how_long_an_answer_asks_to_be_left_alone(headers: dict[str, str], seconds: float | None):
    """RFC 9110 10.2.3 in both forms, the drafts of RateLimit, and what cannot be read is nothing asked."""
    assert seconds == asked_to_wait_s(CaseInsensitiveDict(headers))


def test_a_date_is_held_against_the_servers_own_clock():
    """A server whose clock is a day off still means seven seconds."""
    off = timedelta(days=1)
    told = {
        "Retry-After": format_datetime(NOW + off + timedelta(seconds=7), usegmt=True),
        "Date": format_datetime(NOW + off, usegmt=True),
    }
    assert 7 == asked_to_wait_s(told)


@given(st.dictionaries(st.sampled_from(["Retry-After", "RateLimit", "RateLimit-Reset", "Date"]), st.text(max_size=40)))
def test_no_header_raises(headers: dict[str, str]):
    """Whatever a server writes, it is a wait of no negative length, or none."""
    seconds = asked_to_wait_s(headers)
    assert seconds is None or seconds >= 0


def test_pauses_differ_by_chance():
    """Requests that failed together do not come back together."""
    assert 1 < len({pause_before_retry_s(None, 5.0) for _ in range(20)})


@pytest.mark.parametrize(
    ("asked_s", "left_s", "sent"), [(None, 1, True), (None, 0.2, False), (1, 2, True), (1, 1.1, False)]
)
def test_what_could_not_be_answered_in_time_is_not_sent_again(asked_s: float | None, left_s: float, sent: bool):
    """The pause and the least that an answer takes have to fit."""
    pause_s = pause_before_retry_s(asked_s, left_s)
    assert sent == (pause_s is not None)
    assert pause_s is None or (asked_s or 0) < pause_s < left_s


def in_turn(*responses: bytes) -> Reply:
    """One response after the other, over however many connections."""
    left = iter(responses)

    def reply(connection: socket.socket) -> None:
        while request_on(connection):
            connection.sendall(next(left))

    return reply


BUSY = http(b"<html>busy</html>", "Retry-After: 1", status="429 Too Many Requests")


def test_a_second_asked_for_is_waited_and_the_answer_comes():
    """Within the deadline the wish is kept."""
    begun = time.monotonic()
    with listening(in_turn(BUSY, http(b'{"a": 1}'))) as (url, _), new_session() as session:
        assert {"a": 1} == get_json(session, url, until=time.monotonic() + 5)
    assert 1 <= time.monotonic() - begun < 3


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
def test_a_wait_beyond_the_deadline_is_told_and_not_waited(status: str):
    """The caller knows at once, and the server is left alone as it asked."""
    heard = Heard(http(b"", "Retry-After: 60", status=status))
    begun = time.monotonic()
    with listening(heard) as (url, _), new_session() as session, pytest.raises(OutboundError) as caught:
        get_json(session, url, until=time.monotonic() + 5)
    assert (f"answered {status[:3]} and asked to wait 60 s", 1) == (caught.value.why, len(heard.requests))
    assert 1 > time.monotonic() - begun


def test_a_search_in_a_body_is_sent_once():
    """A POST is not idempotent for what stands between us and the server (RFC 9110, 9.2.2)."""
    down = http(b"", status="500 Internal Server Error")
    with (
        listening(in_turn(down, http(b'{"a": 1}'))) as (url, _),
        new_session() as session,
        pytest.raises(OutboundError, match="500"),
    ):
        search_json(session, url, (("patient", "p1"),), until=time.monotonic() + 5)
