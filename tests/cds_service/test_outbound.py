"""The outgoing session against real sockets: keep-alive, deadlines, sizes, redirects, broken answers."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests

from cds_service.outbound.session import LARGEST_ANSWER, OutboundError, get_json, new_session
from tests.fakes import FakeFhir, session_with

Reply = Callable[[socket.socket], None]


def http(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """One HTTP/1.1 response."""
    return "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]).encode() + body


@contextmanager
def listening(reply: Reply) -> Iterator[tuple[str, list[str]]]:
    """A server on loopback that hands each connection to ``reply``; its URL, and the peers that came."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        peers: list[str] = []

        def accept() -> None:
            while True:
                try:
                    connection, peer = server.accept()
                except OSError:
                    return
                peers.append(str(peer))
                with connection:
                    reply(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/fhir", peers
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def always(response: bytes) -> Reply:
    """The same response to every request on a connection."""

    def reply(connection: socket.socket) -> None:
        while connection.recv(65_536):
            connection.sendall(response)

    return reply


def drip(connection: socket.socket) -> None:
    """A body of a megabyte, a byte at a time: no single read ever times out."""
    connection.recv(65_536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    try:
        while True:
            connection.sendall(b" ")
            time.sleep(0.02)
    except OSError:
        return


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


def test_a_server_that_drips_does_not_outlast_the_deadline():
    """Every read brings a byte, so no socket timeout fires: the deadline itself has to."""
    begun = time.monotonic()
    with listening(drip) as (url, _), pytest.raises(OutboundError, match="timed out"):
        fetched(url, seconds=0.4)
    assert 1.5 > time.monotonic() - begun


def test_a_server_that_is_silent_times_out():
    """Connected, and then nothing."""
    with listening(silent) as (url, _), pytest.raises(OutboundError, match="timed out"):
        fetched(url, seconds=0.3)


def test_a_redirect_is_not_followed():
    """The token would go wherever the redirect points."""
    answer = http(b"", "Location: http://127.0.0.1:1/elsewhere", status="302 Found")
    with listening(always(answer)) as (url, peers):
        with pytest.raises(OutboundError, match="answered 302"):
            fetched(url)
        assert 1 == len(peers)


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


@pytest.mark.parametrize(("status", "asked"), [(503, 2), (502, 2), (500, 1), (404, 1), (401, 1)])
def test_only_a_passing_failure_is_tried_once_more(status: int, asked: int):
    """502 to 504 may pass; all else will not."""
    fhir = FakeFhir({"x": (status, {})})
    with pytest.raises(OutboundError, match=str(status)):
        get_json(session_with(fhir), "https://ehr.example/fhir/x", until=time.monotonic() + 5)
    assert asked == len(fhir.asked)


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
