"""The command: quick help, clear refusals."""

import json
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from cds_service.cli import main
from tests.cds_service.calls import request
from tests.loopback import Heard, http, listening

ROOT = Path(__file__).parents[2]


def run(*words: str) -> tuple[int, str]:
    """Exit code and output of one command in this process."""
    result = CliRunner().invoke(main, list(words))
    return result.exit_code, result.output


COMMANDS = ("demo", "serve", "load", "call", "map", "read", "simulate", "train", "evaluate", "settings")


def test_help_answers_quickly():
    """Under 0.7 s CPU (median of three), and names every command."""
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        shown = subprocess.run(
            [sys.executable, "-m", "cds_service.cli", "--help"], cwd=ROOT, capture_output=True, text=True
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert set(COMMANDS) <= set(shown.stdout.split())
    assert 0.7 > sorted(seconds)[1]


def test_the_list_names_one_demo_patient_a_line():
    """Id, answer, story."""
    code, text = run("call", "--list")
    assert (0, 16) == (code, len(text.splitlines()))
    assert "demo-flagged" in text


def test_a_call_needs_no_server_settings(monkeypatch: pytest.MonkeyPatch):
    """A container that listens everywhere still prints a demo patient's card."""
    monkeypatch.setenv("ENDWATCH_HOST", "0.0.0.0")  # noqa: S104
    code, text = run("call", "demo-end-charted")
    assert (0, True) == (code, "NIHSS 9 -> 11" in text)


def test_settings_are_listed_with_their_variables():
    """Every variable with its meaning."""
    code, text = run("settings")
    assert 0 == code
    assert "ENDWATCH_FHIR_SERVERS" in text


def test_settings_tell_the_fault_of_a_concept_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """In one line with file and line, as the start does: a site checks its map without starting anything."""
    (tmp_path / "lab.json").write_text('{"resourceType":\n"ValueSet"}', "utf-8")
    monkeypatch.setenv("ENDWATCH_LOCAL_CODES", str(tmp_path))
    code, text = run("settings")
    assert (1, "Error: ENDWATCH_LOCAL_CODES: lab.json:1: not a ConceptMap") == (code, text.splitlines()[-1])


def test_settings_are_listed_where_the_concept_maps_are_sound(monkeypatch: pytest.MonkeyPatch):
    """The documentation's example."""
    monkeypatch.setenv("ENDWATCH_LOCAL_CODES", str(ROOT / "docs/examples/local_codes"))
    code, text = run("settings")
    assert (0, True) == (code, "ENDWATCH_LOG_LEVEL" in text)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("call",), "name a demo patient"),
        (("call", "nobody"), "is no demo patient"),
        (("load", "--fhir", "http://localhost:1/fhir"), "is not among ENDWATCH_FHIR_SERVERS"),
        (("train", "--config", "/none.toml", "--data", "/", "--out", "/none"), "does not exist"),
        (("evaluate", "--data", "/none"), "does not exist"),
        (("simulate", "--patients", "2", "--world", "z", "--out", "/nonexistent"), "world"),
    ],
)
def test_a_refusal_is_one_sentence(words: tuple[str, ...], said: str):
    """Exit code other than 0, and no traceback."""
    code, text = run(*words)
    assert 0 != code
    assert said in text
    assert "Traceback" not in text


@pytest.mark.parametrize("word", ["train", "evaluate"])
def test_a_folder_without_a_cohort_is_told(word: str, tmp_path: Path):
    """Which files it lacks, in one sentence."""
    config = tmp_path / "config.toml"
    config.write_text((ROOT / "models/training/configs/demo.toml").read_text())
    more = ("--config", str(config)) if word == "train" else ()
    code, text = run(word, "--data", str(tmp_path), "--out", str(tmp_path / "out"), *more)
    assert (1, True) == (code, "Patient*.ndjson" in text)


@pytest.mark.slow
def test_a_port_in_use_is_told_in_one_sentence():
    """Which one, and what to do; no trace."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        words = ("serve", "--test", "--fhir", "http://127.0.0.1:1/fhir", "--port", port)
        told = subprocess.run(
            [sys.executable, "-m", "cds_service.cli", *words], cwd=ROOT, capture_output=True, text=True
        )
    assert 1 == told.returncode
    assert f"127.0.0.1:{port}: Address already in use; choose another --port." in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.slow
def test_a_demo_patient_and_a_request_file_are_answered_by_the_shipped_model(tmp_path: Path):
    """The raw response, with a number of the simulated model."""
    code, text = run("call", "demo-flagged", "--json")
    assert 0 == code
    assert json.loads(text)["cards"][0]["summary"].startswith("Simulated model: END risk")
    file = tmp_path / "request.json"
    file.write_text(json.dumps(request()))
    code, text = run("call", str(file), "--as-of", "2026-03-02T14:00:00Z")
    assert (0, True) == (code, "END risk" in text)


@pytest.mark.slow
def test_a_service_that_starts_asks_each_listed_server_for_its_version():
    """Beside the calls: else a server of another FHIR would be read as if it were R4."""
    heard = Heard(http(b'{"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}'))
    with listening(heard) as (url, _):
        words = ("serve", "--test", "--fhir", url, "--port", "0")
        command = [sys.executable, "-m", "cds_service.cli", *words]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            until = time.monotonic() + 90
            while not heard.requests and run.poll() is None and time.monotonic() < until:
                time.sleep(0.1)
            run.terminate()
    assert ["GET /fhir/metadata HTTP/1.1"] == [text.splitlines()[0] for text in heard.requests]
