"""The command that prints templates for EHRs in which somebody types them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cds_service.cli import main
from fhir_mappings.queries import templates


def printed(*words: str) -> str:
    """What the command prints."""
    result = CliRunner().invoke(main, ["prefetch", *words])
    assert 0 == result.exit_code, result.output
    return result.output


def test_each_template_stands_on_a_line_of_its_own():
    """Key, tab, query, as discovery offers them and in its order."""
    lines = [line.split("\t") for line in printed().splitlines()]
    assert list(templates().items()) == [(key, query) for key, query in lines]


def test_as_json_they_are_the_object_of_discovery():
    """For whoever pastes it."""
    assert templates() == json.loads(printed("--json"))


def test_a_sites_own_codes_are_in_them(monkeypatch: pytest.MonkeyPatch):
    """What is typed is what this service asks for, under its own key."""
    monkeypatch.setenv("ENDWATCH_SEARCH_BY_CATEGORY", '{"labs": "laboratory"}')
    (line,) = [line for line in printed().splitlines() if line.startswith("labs")]
    assert line.startswith("labs-")
    assert "category=laboratory" in line


def test_a_fault_in_a_setting_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """And no trace."""
    monkeypatch.setenv("ENDWATCH_LOCAL_CODES", str(tmp_path / "absent"))
    result = CliRunner().invoke(main, ["prefetch"])
    assert (1, True) == (result.exit_code, result.output.startswith("Error: ENDWATCH_LOCAL_CODES"))
