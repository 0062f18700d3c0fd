"""oidc-provider, installed once into the user's cache, started, and ended with us."""

import hashlib
import json
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tools.hapi import cache

SOURCES = Path(__file__).parent
FILES = ("package.json", "package-lock.json", "token_server.mjs")
INSTALL_S, START_S, STOP_S = 180.0, 30.0, 10.0


class NoProvider(Exception):
    """The server cannot be installed or started here; says why."""


@dataclass(frozen=True)
class Running:
    """A running server: its address, which is its issuer, its version, and what it says."""

    issuer: str
    version: str
    said: IO[bytes]

    @property
    def token_url(self) -> str:
        """Where tokens are asked for."""
        return f"{self.issuer}/token"

    def refusal(self) -> str:
        """Why the server refused the request that it refused last, in its own words; one for each refusal."""
        if not select.select([self.said], [], [], START_S)[0]:
            raise TimeoutError("it refused nothing")
        return self.said.readline().decode().removeprefix("REFUSED ").strip()


@contextmanager
def token_server(clients: Sequence[dict[str, Any]]) -> Iterator[Running]:
    """A server that knows these clients, by their metadata. Raises `NoProvider`."""
    folder, pipe = installed(), subprocess.PIPE
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(
            ["node", "token_server.mjs"], cwd=folder, stdin=pipe, stdout=pipe, stderr=log, bufsize=0
        ) as process,
    ):
        assert process.stdin is not None
        try:
            process.stdin.write(json.dumps(list(clients)).encode() + b"\n")
            yield _ready(process, log)
        finally:
            _end(process, process.stdin)


def _end(process: "subprocess.Popen[bytes]", stdin: IO[bytes]) -> None:
    """It ends when its input does."""
    stdin.close()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()


def installed() -> Path:
    """The folder of the program with its packages, as the lock pins them. Raises `NoProvider`."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise NoProvider(f"oidc-provider needs Node.js 20.19 or later: {program} is not installed")
    folder = cache(f"oidc-{_digest()}")
    if not folder.exists():
        _install(folder)
    return folder


def _digest() -> str:
    found = hashlib.sha256(b"".join((SOURCES / name).read_bytes() for name in FILES))
    return found.hexdigest()[:16]


def _install(folder: Path) -> None:
    """Install beside the folder and rename: what is there is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        begun = Path(made) / "oidc"
        begun.mkdir()
        for name in FILES:
            shutil.copy(SOURCES / name, begun)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            run = subprocess.run(command, cwd=begun, capture_output=True, text=True, timeout=INSTALL_S)
        except subprocess.TimeoutExpired:
            raise NoProvider(f"npm did not install oidc-provider in {INSTALL_S:.0f} s") from None
        if run.returncode != 0:
            raise NoProvider(f"npm could not install oidc-provider: {run.stderr.strip()[-300:]}")
        try:
            begun.rename(folder)
        except OSError:
            if not folder.exists():  # else another run was faster
                raise


def _ready(process: "subprocess.Popen[bytes]", log: IO[bytes]) -> Running:
    """Its address and version, once it listens."""
    said = process.stdout
    assert said is not None
    until = time.monotonic() + START_S
    while (left := until - time.monotonic()) > 0:
        if not select.select([said], [], [], left)[0]:
            break
        line = said.readline().decode()
        if line.startswith("READY "):
            _, issuer, version = line.split()
            return Running(issuer, version, said)
        if not line:
            process.wait(STOP_S)
            log.seek(0)
            raise NoProvider(f"oidc-provider ended: {log.read().decode().strip()[-300:]}")
    raise NoProvider(f"oidc-provider was not ready in {START_S:.0f} s")
