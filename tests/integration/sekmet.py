"""sekmet-fhir with SMART authorization, installed in an environment of its own."""

import json
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import requests

from tools.hapi import cache

LOCK = Path(__file__).parents[2] / "requirements.lock"
INSTALL_S, START_S = 300.0, 60.0
_CLIENT = "endwatch-tests"
_SERVE = "import sys; sys.argv = ['sekmet', 'serve']; from sekmet.cli import app; app()"


class NoSekmet(Exception):
    """The server cannot be installed or started here; says why."""


@dataclass(frozen=True)
class Running:
    """A running server, and the secret of its one client."""

    base: str
    secret: str

    def token(self, scope: str) -> str:
        """An access token of its token endpoint (SMART backend services, with a client's secret)."""
        answer = requests.post(
            f"{self.base.removesuffix('/fhir')}/auth/token",
            data={"grant_type": "client_credentials", "scope": scope},
            auth=(_CLIENT, self.secret),
            timeout=10,
        )
        answer.raise_for_status()
        return str(answer.json()["access_token"])


@contextmanager
def sekmet() -> Iterator[Running]:
    """An empty server that takes what it is given as it is, and wants a token. Raises `NoSekmet`."""
    python, secret = _python(), secrets.token_urlsafe(24)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    running = Running(f"http://127.0.0.1:{port}/fhir", secret)
    with tempfile.TemporaryDirectory(prefix="endwatch-sekmet-") as folder:
        (Path(folder) / "settings.yaml").write_text(json.dumps(_settings(running, port)), "utf-8")  # JSON is YAML
        with (Path(folder) / "log.txt").open("wb") as log:
            command = [python, "-c", _SERVE]
            process = subprocess.Popen(command, cwd=folder, env={"PATH": ""}, stdout=log, stderr=log)
            try:
                _wait(running, process)
                yield running
            finally:
                process.terminate()
                process.wait(10)


def _settings(running: Running, port: int) -> dict[str, object]:
    """Its settings: nothing of its own but what is loaded, and nothing of that refused or changed."""
    client = {"client_id": _CLIENT, "client_secret": running.secret, "scopes": "system/*.cruds"}
    return {
        "base_url": running.base,
        "host": "127.0.0.1",
        "port": port,
        "db_path": ":memory:",
        "log_inbound": False,
        "simulator": {"enabled": False},
        "validation": {"inbound": "off"},
        "server_auth": {"types": ["smart"], "smart_clients": [client]},
    }


def _wait(running: Running, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            requests.get(f"{running.base}/metadata", timeout=2).raise_for_status()
        except requests.RequestException:
            time.sleep(0.2)
        else:
            return
    raise NoSekmet("sekmet-fhir ended while starting, or did not start in time")


def _python() -> str:
    """The interpreter of an environment with sekmet-fhir alone, in the versions of our lock."""
    pins = [line.rstrip(" \\") for line in LOCK.read_text("utf-8").splitlines() if line[:1].isalnum()]
    wanted = next(pin for pin in pins if pin.startswith("sekmet-fhir=="))
    digest = sha256(f"{sys.version}{pins}".encode()).hexdigest()[:16]
    folder, ready = cache(f"sekmet-{digest}"), cache(f"sekmet-{digest}") / "ready"
    python = str(folder / "bin" / "python")
    if not ready.exists():
        venv.create(folder, with_pip=True, clear=True)
        (folder / "constraints.txt").write_text("\n".join(pins), "utf-8")
        command = [python, "-m", "pip", "install", "--quiet", "--constraint", str(folder / "constraints.txt"), wanted]
        run = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_S, check=False)
        if run.returncode:
            raise NoSekmet(f"sekmet-fhir could not be installed: {run.stderr.strip().splitlines()[-1][:200]}")
        ready.touch()
    return python
