"""The embedded FHIR server of the demo: sekmet-fhir in a process of its own, on loopback.

It is never imported: it runs in a temporary folder, and ends with us, because it watches a pipe
that closes when we do.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cds_service.outbound.session import OutboundError, Session, get_json

START_S = 30.0

# The child waits for its standard input to end, so that it stops even when we are killed.
_CHILD = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
sys.argv = ["sekmet", "serve", "--host", "127.0.0.1", "--port", sys.argv[1]]
from sekmet.cli import app
app()
"""


class EmbeddedServerError(RuntimeError):
    """The embedded FHIR server is not installed or did not start; says which."""


@contextmanager
def embedded_server(session: Session) -> Iterator[str]:
    """The base URL of a running, empty FHIR server. Raises `EmbeddedServerError`."""
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="endwatch-demo-") as folder:
        log = Path(folder) / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 (our own interpreter and our own words)
                [sys.executable, "-c", _CHILD, str(port)],
                cwd=folder,
                env={**os.environ, "PYTHONWARNINGS": "ignore"},
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            base = f"http://127.0.0.1:{port}/fhir"
            _wait(base, session, process, log)
            yield base
        finally:
            process.terminate()
            process.wait(10)
            if process.stdin:
                process.stdin.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(base: str, session: Session, process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the server answers, or its time is over."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if process.poll() is not None:
            missing = "No module named 'sekmet'" in log.read_text("utf-8", "replace")
            why = "is not installed: install endwatch[demo]" if missing else "ended while starting"
            raise EmbeddedServerError(f"The embedded FHIR server {why}.")
        try:
            get_json(session, f"{base}/metadata", until=time.monotonic() + 2)
        except OutboundError:
            time.sleep(0.2)
        else:
            return
    raise EmbeddedServerError(f"The embedded FHIR server did not start within {START_S:.0f} s.")
