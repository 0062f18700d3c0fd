"""The embedded FHIR server of the demo: sekmet-fhir in a process of its own, on loopback.

It is never imported. It runs in a temporary folder with settings of ours alone, holds its data in
memory, and ends with us, because it watches a pipe that closes when we do.
"""

import json
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
STOP_S = 5.0

# The child waits for its standard input to end, so that it stops, and clears up, even when we are killed.
_CHILD = """
import os, shutil, sys, threading
def leave(folder=sys.argv[1]):
    sys.stdin.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)
threading.Thread(target=leave, daemon=True).start()
sys.argv = ["sekmet", "serve"]
from sekmet.cli import app
app()
"""


class EmbeddedServerError(RuntimeError):
    """The embedded FHIR server is not installed or did not start; says which."""


@contextmanager
def embedded_server(session: Session) -> Iterator[str]:
    """The base URL of a running, empty FHIR server. Raises `EmbeddedServerError`."""
    port = _free_port()
    base = f"http://127.0.0.1:{port}/fhir"
    with tempfile.TemporaryDirectory(prefix="endwatch-demo-", ignore_cleanup_errors=True) as folder:
        (Path(folder) / "settings.yaml").write_text(json.dumps(_settings(base, port)), "utf-8")
        log = Path(folder) / "log.txt"
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 (our own interpreter and our own words)
                [sys.executable, "-c", _CHILD, folder],
                cwd=folder,
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait(base, session, process, log)
            yield base
        finally:
            _stop(process)


def _settings(base: str, port: int) -> dict[str, object]:
    """Its settings file (JSON is YAML): nothing but what was loaded, and links that name itself."""
    return {
        "base_url": base,
        "host": "127.0.0.1",
        "port": port,
        "db_path": ":memory:",
        "log_inbound": False,
        "simulator": {"enabled": False},  # it would answer our orders with resources of its own
    }


def _environment() -> dict[str, str]:
    """Ours, without what would point it to another database, or start several of it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SEKMET_")}
    kept.pop("WEB_CONCURRENCY", None)
    return kept | {"PYTHONWARNINGS": "ignore"}


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


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdin:
        process.stdin.close()
