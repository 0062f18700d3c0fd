"""The log of a running service: one record is one line, whatever callers send."""

import io
import logging
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.limits.listening import server_for
from cds_service.log_lines import lines_to
from cds_service.settings import Settings

FORGED = '2026-03-02 10:00:00,000 INFO endwatch.audit {"kind":"risk"}'
HIDDEN = "".join(map(chr, (0, 8, 9, 10, 11, 13, 27, 0x7F, 0x85, 0x9B, 0x2028, 0x2029, 0x202E, 0x2066, 0xFEFF)))


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the service's handler writes of every logger."""
    stream, root = io.StringIO(), logging.getLogger()
    handler, level = lines_to(stream), root.level
    root.addHandler(handler)
    root.setLevel("INFO")
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def left_alone(path: str) -> None:
    """Ask the real server for a path, and be gone when the answer comes."""
    gone = threading.Event()

    def slow(_: Any, start: Callable[..., Any]) -> Iterator[bytes]:
        assert gone.wait(10)
        start("404 Not Found", [("Content-Type", "application/json")])
        yield b"{"
        _until(lambda: not server.active_channels)
        yield b"}"

    server: Any = server_for(slow, Settings(mode="test", port=0))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    with socket.create_connection(("127.0.0.1", server.effective_port)) as caller:
        caller.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        _until(lambda: any(channel.requests for channel in server.active_channels.values()))
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    gone.set()
    _until(lambda: not server.active_channels)
    server.task_dispatcher.shutdown()
    server.close()
    thread.join(5)


def _until(happened: Callable[[], bool]) -> None:
    for _ in range(500):
        if happened():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def test_a_path_forges_no_line_of_the_log(log: io.StringIO):
    """The web server tells the decoded path of a caller who has gone; it stays within its line."""
    left_alone("/" + quote(f"x{HIDDEN}\n{FORGED}"))
    (line,) = [line for line in log.getvalue().splitlines() if "kind" in line]
    assert "INFO waitress Client disconnected while serving /x" in line
    assert line.isprintable()


@given(st.text() | st.text(st.sampled_from(HIDDEN + "ab\\ ")))
def test_one_record_is_one_line_of_what_can_be_seen(text: str):
    """Its message, its traceback and the text of its exception: no second line, nothing that moves a cursor."""
    stream = io.StringIO()
    logger = logging.Logger("any")
    logger.addHandler(lines_to(stream))
    try:
        raise ValueError(text)
    except ValueError:
        logger.exception("failed %s", text)
    written = stream.getvalue()
    assert 1 == len(written.splitlines())
    assert not set(HIDDEN) & set(written.removesuffix("\n"))
    written.encode()


def test_what_can_be_seen_is_written_as_it_is():
    """Other letters, and the quotes and backslashes of a line of JSON."""
    stream = io.StringIO()
    logger = logging.Logger("endwatch.audit")
    logger.addHandler(lines_to(stream))
    logger.info(r'{"reason":"Größe \"x\" \u2028 漢"}')
    assert stream.getvalue().endswith(r' INFO endwatch.audit {"reason":"Größe \"x\" \u2028 漢"}' + "\n")


def test_the_command_logs_so():
    """To standard error, from the level on that is set."""
    program = (
        "import logging; from cds_service.log_lines import start_log; start_log('WARNING'); "
        r"log = logging.getLogger('a'); log.info('not this'); log.warning('one\nline\x1b[2J')"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stderr.endswith(r" WARNING a one\nline\u001b[2J" + "\n")
    assert 1 == len(told.stderr.splitlines())
