"""The outgoing session against real sockets: keep-alive, deadlines, sizes, redirects, broken answers."""

import gzip
import json
import logging
import socket
import time
import tracemalloc
from typing import Any

import pytest
import requests

from cds_service.outbound.session import (
    LARGEST_ANSWER,
    OutboundError,
    get_json,
    new_session,
    search_json,
    send_json,
)
from tests.fakes import FakeFhir, session_with
from tests.loopback import Heard, Reply, always, http, listening, once


def dripping(start: bytes, piece: bytes) -> Reply:
    """What is sent at once, and then a piece every 20 ms without end: no single read ever times out."""

    def reply(connection: socket.socket) -> None:
        connection.recv(65_536)
        connection.sendall(start)
        try:
            while True:
                connection.sendall(piece)
                time.sleep(0.02)
        except OSError:
            return

    return reply


def silent(connection: socket.socket) -> None:
    """Takes the request and says nothing until the caller has gone."""
    while connection.recv(65_536):
        pass


def fetched(url: str, *, seconds: float = 5) -> object:
    """The JSON at a URL, with a session of our own."""
    with new_session() as session:
        return get_json(session, url, until=time.monotonic() + seconds)


def test_one_connection_serves_many_requests():
    """A body read to its end gives its connection back to the pool."""
    with listening(always(http(b'{"a": 1}'))) as (url, peers), new_session() as session:
        assert [{"a": 1}] * 3 == [get_json(session, url, until=time.monotonic() + 5) for _ in range(3)]
        assert 1 == len(peers)


def test_compressed_and_chunked_answers_are_read():
    """Gzip makes a FHIR Bundle twenty times smaller; servers stream in chunks."""
    body = gzip.compress(json.dumps({"a": "x" * 100_000}).encode())
    with listening(always(http(body, "Content-Encoding: gzip"))) as (url, _):
        assert {"a": "x" * 100_000} == fetched(url)
    chunked = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n4\r\n: 1}\r\n0\r\n\r\n'
    with listening(always(chunked)) as (url, _):
        assert {"a": 1} == fetched(url)


ENDLESS = {
    "status": dripping(b"HTTP/1.1 200 O", b"K"),
    "header": dripping(b"HTTP/1.1 200 OK\r\nX-Long: ", b"x"),
    "continue": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", b" "),
    "chunks": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "chunk-size": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "gzip-of-nothing": dripping(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000000\r\n\r\n", gzip.compress(b"")
    ),
}


@pytest.mark.parametrize("part", ENDLESS)
def test_a_server_that_drips_does_not_outlast_the_deadline(part: str):
    """Every read brings a byte, so no socket timeout fires: the deadline itself has to, in every part of an answer."""
    begun = time.monotonic()
    with listening(ENDLESS[part]) as (url, _), pytest.raises(OutboundError, match="timed out"):
        fetched(url, seconds=0.4)
    assert 2 > time.monotonic() - begun


def test_a_server_that_never_shakes_hands_times_out():
    """TLS is asked for, and nothing is said."""
    begun = time.monotonic()
    with listening(silent) as (url, _), pytest.raises(OutboundError, match="timed out"):
        fetched(url.replace("http:", "https:"), seconds=0.4)
    assert 2 > time.monotonic() - begun


def test_a_kept_connection_has_the_time_of_its_next_request():
    """What the last answer left of its own is no bound for the next."""

    def reply(connection: socket.socket) -> None:
        for wait_s in (0.0, 0.6):
            connection.recv(65_536)
            time.sleep(wait_s)
            connection.sendall(http(b"{}"))

    with listening(reply) as (url, peers), new_session() as session:
        get_json(session, url, until=time.monotonic() + 0.4)
        assert {} == get_json(session, url, until=time.monotonic() + 5)
        assert 1 == len(peers)


def test_a_server_that_is_silent_times_out():
    """Connected, and then nothing."""
    with listening(silent) as (url, _), pytest.raises(OutboundError, match="timed out"):
        fetched(url, seconds=0.3)


def test_cookies_of_one_answer_do_not_go_with_the_next():
    """A pooled session serves many patients."""
    seen: list[bytes] = []

    def reply(connection: socket.socket) -> None:
        while data := connection.recv(65_536):
            seen.append(data)
            connection.sendall(http(b"{}", "Set-Cookie: patient=1; Path=/"))

    with listening(reply) as (url, _), new_session() as session:
        for _ in range(2):
            get_json(session, url, until=time.monotonic() + 5)
    assert [False, False] == [b"Cookie:" in one for one in seen]


@pytest.mark.parametrize("encodings", [1, 2])
def test_a_compressed_bomb_ends_at_the_same_size(encodings: int):
    """Memory is bounded by what we would keep, not by what two megabytes can be blown up to."""
    body = gzip.compress(b" " * 1_000_000) * 2000  # two gigabytes
    for _ in range(encodings - 1):
        body = gzip.compress(body)
    named = ", ".join(["gzip"] * encodings)

    def reply(connection: socket.socket) -> None:
        connection.recv(65_536)
        try:
            connection.sendall(http(body, f"Content-Encoding: {named}"))
        except OSError:
            return  # hung up on, as should be

    with listening(reply) as (url, _):
        tracemalloc.start()
        with pytest.raises(OutboundError, match="too large"):
            fetched(url, seconds=20)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert 2 * LARGEST_ANSWER > peak


def test_an_answer_to_what_was_posted_is_bounded_too():
    """The same reading serves both."""
    fhir = FakeFhir({"x": (200, b" " * (LARGEST_ANSWER + 1)), "y": (200, b"<html>")})
    for path, why in (("x", "too large"), ("y", "not JSON")):
        with pytest.raises(OutboundError, match=why):
            send_json(session_with(fhir), f"https://ehr.example/fhir/{path}", {})


def test_an_answer_without_end_is_given_up_at_a_size():
    """Memory is bounded whatever the server sends."""
    session = session_with(FakeFhir({"x": (200, b" " * (LARGEST_ANSWER + 1))}))
    with pytest.raises(OutboundError, match="too large"):
        get_json(session, "https://ehr.example/fhir/x", until=time.monotonic() + 20)


@pytest.mark.parametrize("body", [b'{"a": NaN}', b"[" * 100_000, b"\xff\xfe\xfd", b"", b"<html>"])
def test_what_is_no_json_is_a_failed_request_never_an_exception(body: bytes):
    """NaN, nesting without end, broken UTF-8, nothing, HTML."""
    session = session_with(FakeFhir({"x": (200, body)}))
    with pytest.raises(OutboundError, match="not JSON"):
        get_json(session, "https://ehr.example/fhir/x", until=time.monotonic() + 5)


@pytest.mark.parametrize(
    ("status", "asked"),
    [(429, 2), (500, 2), (502, 2), (503, 2), (504, 2), (400, 1), (401, 1), (403, 1), (404, 1), (410, 1), (501, 1)],
)
def test_only_a_passing_failure_is_tried_once_more(status: int, asked: int):
    """Too many requests and the failures of a moment may pass; all else will not."""
    fhir = FakeFhir({"x": (status, {})})
    with pytest.raises(OutboundError, match=str(status)):
        get_json(session_with(fhir), "https://ehr.example/fhir/x", until=time.monotonic() + 5)
    assert asked == len(fhir.asked)


@pytest.mark.parametrize("answer", [(503, {}), (429, {}), requests.ConnectionError("Connection aborted.")])
def test_a_search_by_post_is_sent_once(answer: Any):
    """It changes nothing, but what stands between us and the server may not know that (RFC 9110, 9.2.2)."""
    fhir = FakeFhir({"Observation/_search": answer})
    with pytest.raises(OutboundError) as caught:
        search_json(session_with(fhir), "https://ehr.example/fhir/Observation/_search", (), until=time.monotonic() + 5)
    assert (True, 1) == (caught.value.may_pass, len(fhir.asked))


def test_answers_are_asked_for_compressed():
    """Gzip makes a FHIR Bundle twenty times smaller: a server compresses only for who says that it can be read."""
    heard = Heard(http(b"{}"))
    with listening(heard) as (url, _), new_session() as session:
        get_json(session, url, until=time.monotonic() + 5)
        search_json(session, url, (("code", "1"),), until=time.monotonic() + 5)
    lines = [line.lower() for text in heard.requests for line in text.splitlines()]
    named = [line for line in lines if line.startswith("accept-encoding:")]
    assert [True, True] == ["gzip" in line for line in named]


def test_a_broken_connection_is_tried_once_more():
    """A pooled connection may have been closed by the server since."""
    fhir = FakeFhir({"x": requests.ConnectionError("Connection aborted.")})
    with pytest.raises(OutboundError, match="connection broken"):
        get_json(session_with(fhir), "https://ehr.example/fhir/x", until=time.monotonic() + 5)
    assert 2 == len(fhir.asked)


def test_nothing_is_asked_after_the_deadline():
    """A retry, a page or a second round that comes too late is not sent."""
    fhir = FakeFhir({"x": (200, {})})
    with pytest.raises(OutboundError, match="no time left"):
        get_json(session_with(fhir), "https://ehr.example/fhir/x", until=time.monotonic() - 1)
    assert [] == fhir.asked


@pytest.mark.parametrize("headers", [(), ("no header at all",)])
def test_no_url_is_logged_at_any_level(caplog: pytest.LogCaptureFixture, headers: tuple[str, ...]):
    """URLs hold patients' ids, and the library below logs them: every request, and those with odd headers."""
    caplog.set_level(logging.DEBUG)
    with listening(always(http(b"{}", *headers))) as (url, _):
        assert {} == fetched(f"{url}/Observation?patient=p1")
    assert "p1" not in caplog.text


MALFORMED = {
    "nothing": b"",
    "no HTTP": b"\x00\xff\x00\xff\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "no status": b"HTTP/1.1\r\n\r\n",
    "a status in words": b"HTTP/1.1 OK 200\r\nContent-Length: 2\r\n\r\n{}",
    "a long status line": b"HTTP/1.1 200 " + b"O" * 70_000,
    "a long header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    "many headers": b"HTTP/1.1 200 OK\r\n" + b"X: x\r\n" * 200 + b"\r\n{}",
    "a short body": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
    "a length in words": b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n<",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 1\r\n\r\n{}",
    "a bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a short chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{}",
    "no gzip": http(b"{}", "Content-Encoding: gzip"),
    "half a gzip": http(gzip.compress(b"{}" * 999)[:20], "Content-Encoding: gzip"),
    "too many encodings": http(b"{}", f"Content-Encoding: {', '.join(['gzip'] * 50)}"),
    "an encoding that we do not know": http(b"\x01\x02", "Content-Encoding: zip"),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "other protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
    "a redirect to nowhere": http(b"", "Location: http://[", status="302 Found"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_no_answer_raises_anything_but_its_own_error(name: str):
    """Broken in whatever way, a server's answer is a request that failed."""
    begun = time.monotonic()
    with listening(once(MALFORMED[name])) as (url, _), pytest.raises(OutboundError) as caught:
        fetched(url)
    assert 4 > time.monotonic() - begun
    assert "127.0.0.1" not in caught.value.why
