"""The web server itself: slow, large and malformed requests, and more calls than there are places."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from math import inf
from typing import Any

import pytest

from fhir_mappings.inputs import ModelInputs
from models.prediction import NotComputed, Prediction
from tests.cds_service.calls import request
from tests.fakes import FakePredictor
from tests.served import Answered, ask, served

URL, SANDBOX = "/cds-services/end-risk", "https://sandbox.cds-hooks.org"
HEAD = f"POST {URL} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nOrigin: {SANDBOX}\r\n"


class Waiting(FakePredictor):
    """A model that answers when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = threading.Event(), threading.Event()

    def predict(self, inputs: ModelInputs, until: float = inf) -> Prediction | NotComputed:
        """The one risk, later."""
        self.asked.set()
        assert self.go.wait(20)
        return super().predict(inputs, until)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A service that takes bodies of 1 MB."""
    with served(body_limit_mb=1) as port:
        yield port


def raw(port: int, sent: bytes) -> bytes:
    """What the server says to these bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: _received(connection), b""))


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except ConnectionError:
        return b""


def closes(connection: socket.socket, within_s: float, drip: Callable[[], None]) -> bool:
    """True where the server ends a connection although bytes keep coming."""
    until = time.monotonic() + within_s
    connection.settimeout(0.2)
    while time.monotonic() < until:
        try:
            drip()
            if connection.recv(1000) == b"":
                return True
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


def outcome_of(text: bytes) -> Any:
    """The JSON behind the headers of an answer."""
    return json.loads(text.split(b"\r\n\r\n", 1)[1])


def test_callers_that_send_a_byte_at_a_time_hold_up_nobody_and_are_cut_off():
    """Three times as many as there are threads; each byte counts as no activity."""
    with served(request_s=2, calls_at_once=1) as port, ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(18)]
        for connection in slow:
            connection.sendall(f"{HEAD}Content-Length: 1000\r\n\r\n".encode())
        begun = time.monotonic()
        assert [200, 200] == [ask(port, "POST", URL, request()).status, ask(port, "GET", "/health").status]
        assert 10 > time.monotonic() - begun
        assert closes(slow[0], 15, lambda: slow[0].sendall(b"{"))


def test_a_caller_that_never_ends_its_headers_is_cut_off():
    """The same for the head of a request."""
    with served(request_s=1) as port, socket.create_connection(("127.0.0.1", port)) as slow:
        slow.sendall(HEAD.encode())
        assert closes(slow, 15, lambda: slow.sendall(b"X-More: 1\r\n"))


def test_a_connection_that_works_may_stay_open(port: int):
    """Several calls on one connection."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        for _ in range(2):
            connection.request("POST", URL, json.dumps(request()), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            assert (200, True) == (answer.status, b"cards" in answer.read())


def test_a_body_said_to_be_too_large_is_refused_before_it_is_sent(port: int):
    """By its Content-Length alone, as an OperationOutcome that a browser may read."""
    answer = raw(port, f"{HEAD}Content-Length: 1000001\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert "too-long" == outcome_of(answer)["issue"][0]["code"]
    assert f"access-control-allow-origin: {SANDBOX}".encode() in answer.lower()
    assert b"x-content-type-options: nosniff" in answer.lower()


def test_a_body_in_chunks_is_bounded_too(port: int):
    """It has no Content-Length; the same answer, when the limit is passed."""
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    whole = f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode() + chunk * 40
    answer = raw(port, whole)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert f"access-control-allow-origin: {SANDBOX}".encode() in answer.lower()


def test_a_body_in_chunks_is_read(port: int):
    """EHRs stream."""
    data = json.dumps(request()).encode()
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (data[:50], data[50:])) + b"0\r\n\r\n"
    answer = raw(port, f"{HEAD}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + chunks)
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", b"431"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", b"501"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
    ],
)
def test_what_is_no_http_is_refused_with_the_headers_of_every_answer(port: int, sent: bytes, status: bytes):
    """The application never sees it."""
    answer = raw(port, sent)
    assert answer.startswith(b"HTTP/1.0 " + status) or answer.startswith(b"HTTP/1.1 " + status)
    assert b"X-Content-Type-Options: nosniff" in answer


def test_one_call_too_many_is_told_to_come_again_while_health_and_discovery_answer():
    """One works, one waits its turn, the third is refused at once; what was begun is finished."""
    model = Waiting()
    with served(model, calls_at_once=1) as port, ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, port, "POST", URL, request())
        assert model.asked.wait(20)
        second = pool.submit(ask, port, "POST", URL, request(hookInstance="0f9b1d52-7d7c-4a55-9b35-000000000002"))
        third = until_refused(port)
        others = [ask(port, "GET", path).status for path in ("/health", "/cds-services", "/ready")]
        model.go.set()
        assert (503, "1", SANDBOX) == (
            third.status, third.headers["Retry-After"], third.headers["Access-Control-Allow-Origin"]
        )  # fmt: skip
        assert "throttled" == json.loads(third.body)["issue"][0]["code"]
        assert [200, 200, 200] == others
        assert 200 == first.result(30).status
        assert second.result(30).status in (200, 503)
        assert 200 == ask(port, "POST", URL, request()).status


def until_refused(port: int) -> Answered:
    """The first answer to a call that finds no place."""
    for _ in range(20):
        answer = ask(port, "POST", URL, request(), Origin=SANDBOX)
        if answer.status == 503:
            return answer
    raise AssertionError("nothing was refused")
