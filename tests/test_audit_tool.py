"""The look-up of known vulnerabilities: what was not looked up is not called clean."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.test_supply_chain import LOCKS, here
from tools import audit

FAULTS = {"vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.0"]}]}


def report(*packages: dict[str, Any]) -> str:
    """A report of pip-audit on these packages."""
    return json.dumps({"dependencies": [{"name": "click", "version": "1.0"} | one for one in packages], "fixes": []})


@pytest.mark.parametrize(
    ("told", "status", "last"),
    [
        (report({"vulns": []}), audit.CLEAN, "1 of 1 packages looked up, 0 vulnerabilities."),
        (report({"vulns": []}, FAULTS), audit.FOUND, "2 of 2 packages looked up, 1 vulnerabilities."),
        (
            report({"vulns": []}, {"skip_reason": "not there"}),
            audit.UNKNOWN,
            "1 of 2 packages looked up, 0 vulnerabilities. This is no clean bill.",
        ),
        (
            report(FAULTS, {"skip_reason": "not there"}),
            audit.FOUND,
            "1 of 2 packages looked up, 1 vulnerabilities. This is no clean bill.",
        ),
        (report(), audit.UNKNOWN, "0 of 0 packages looked up, 0 vulnerabilities. This is no clean bill."),
        ("", audit.UNKNOWN, "Nothing was looked up: the service gave no answer. This is no clean bill."),
    ],
)
def test_only_what_was_looked_up_is_called_clean(told: str, status: int, last: str):
    """A package that the service does not know, an empty report and no report are each said."""
    found = audit.verdict(told, frozenset())
    assert (status, last) == (found.status, found.lines[-1])


@pytest.mark.parametrize(("shipped", "where"), [({"click"}, "in the image"), (set(), "not in the image")])
def test_a_vulnerability_is_told_with_its_names_and_place(shipped: set[str], where: str):
    """Which package, whether it is in the image, every name of the fault and the version that mends it."""
    line = audit.verdict(report(FAULTS), frozenset(shipped)).lines[0]
    assert f"click 1.0 ({where}): PYSEC-1, CVE-1, mended in 2.0" == line


@contextmanager
def answering(status: int) -> Iterator[tuple[str, set[str]]]:
    """A service that knows no fault, or fails with this status: its URL, and the names that it is asked for."""
    asked: set[str] = set()

    class Service(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            """Reads the whole question before it answers."""
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.add(question["package"]["name"])
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query", asked
        server.shutdown()
        thread.join(5)


def audited(url: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit status of a look-up at a service, and what was said."""
    status = audit.main(["--vulnerability-service", "osv", "--osv-url", url])
    return status, capsys.readouterr().out


@pytest.mark.slow
def test_every_pinned_package_is_looked_up(capsys: pytest.CaptureFixture[str]):
    """Asked of a service that knows no fault: each pin of each lock that holds here, and nothing else."""
    with answering(200) as (url, asked):
        status, said = audited(url, capsys)
    assert {name for lock in LOCKS for name in here(lock)} == asked
    assert (audit.CLEAN, f"{len(asked)} of {len(asked)} packages looked up, 0 vulnerabilities.\n") == (status, said)


@pytest.mark.slow
def test_a_service_that_fails_leaves_no_clean_bill(capsys: pytest.CaptureFixture[str]):
    """An error of the service is exit status 2, and said."""
    with answering(503) as (url, asked):
        status, said = audited(url, capsys)
    assert 1 == len(asked)
    assert audit.UNKNOWN == status
    assert "Nothing was looked up" in said
