"""What is no service at all: said in a line, bounded in time and size, without a trace."""

import socket
import time
from collections.abc import Callable

import pytest

from tests.check.checked import checked, failed, passed, untried
from tests.check.other_trust import Fault
from tests.check.served import other
from tests.loopback import http, listening, once

Reply = Callable[[socket.socket], None]
HTML = http(b"<html><body>Welcome</body></html>", "Content-Type: text/html")
HUGE = 100_000_000


def silent(connection: socket.socket) -> None:
    """Never answers, and waits until the caller has gone."""
    while connection.recv(65_536):
        pass


def huge(connection: socket.socket) -> None:
    """Answers 100 MB."""
    connection.recv(65_536)
    try:
        connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {HUGE}\r\n\r\n".encode())
        for _ in range(HUGE // 100_000):
            connection.sendall(b" " * 100_000)
    except OSError:
        return


def dripping(connection: socket.socket) -> None:
    """One byte of a header now and then."""
    connection.recv(65_536)
    try:
        for one in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 1000:
            connection.sendall(bytes([one]))
            time.sleep(0.05)
    except OSError:
        return


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (silent, "gave no answer (timed out)"),
        (dripping, "gave no answer (timed out)"),
        (huge, "gave no answer (answer too large)"),
        (once(b""), "gave no answer (connection broken)"),
        (once(b"not HTTP at all\r\n\r\n"), "gave no answer (connection broken)"),
        (once(http(b"", "Location: https://other.example/", status="302 Found")), "answered 302"),
        (once(http(b"\x1b[31mred", status="404 Not Found")), 'answered 404 "\\u001b[31mred"'),
    ],
    ids=["silent", "dripping", "huge", "closing", "not HTTP", "redirecting", "escaping"],
)
def test_a_server_that_gives_no_discovery_is_told_in_one_failure(reply: Reply, said: str):
    """Nothing holds, what was seen is said, and no further call is made once it is given up."""
    with listening(reply) as (url, _):
        started = time.monotonic()
        found = checked(url, port=None, seconds=0.5)
    assert 10 > time.monotonic() - started
    assert set() == passed(found) - {6}  # what stands there answers GET, at least
    assert set(failed(found)) <= {6, 9}
    assert said in (failed(found) | untried(found))[9 if 6 in passed(found) else 6]


def test_a_page_for_people_is_no_discovery():
    """200 and HTML: its type is said, and its beginning."""
    with listening(once(HTML)) as (url, _):
        found = failed(checked(url, port=None))
    assert {1: "discovery declares text/html", 7: 'discovery answered "<html><body>Welcome</body></html>"'} == found


def test_a_service_that_hangs_after_discovery_is_given_up():
    """One call without an answer; what discovery says is judged all the same."""
    with other(Fault("hangs")) as base:
        started = time.monotonic()
        found = checked(base, seconds=0.4)
    assert 10 > time.monotonic() - started
    assert "a right request gave no answer (timed out)" == failed(found)[18]
    assert {6, 7, 9, 10, 12, 13, 31} <= passed(found)
    assert "to a right request the service gave no answer (timed out)" == untried(found)[50]


def test_a_service_that_hangs_later_is_given_up_after_three_calls():
    """What was seen before stands."""
    with other(Fault("hangs later")) as base:
        started = time.monotonic()
        found = checked(base, seconds=0.4)
    assert 10 > time.monotonic() - started
    assert {6, 18, 50} <= passed(found)
    assert "the service gave no answer 3 times" in untried(found).values()


def test_nobody_listening_is_said():
    """And nothing else is tried."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    found = checked(f"http://127.0.0.1:{port}", port=None)
    assert {6: "GET /cds-services gave no answer (not reachable)"} == failed(found)
