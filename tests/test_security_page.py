"""The page of attacks names tests that exist, and leaves none of the attacks out."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/SECURITY.md").read_text("utf-8")
ROWS = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]
TESTS = re.findall(r"`(tests/[\w/]+\.py)::(\w+)` \|$", PAGE, re.MULTILINE)
ATTACKS = (
    "SSRF by `fhirServer`", "SSRF by `jku`", "SSRF by paging", "SSRF by Binary URL", "SSRF by redirect",
    "DNS rebinding", "JWT confusion", "replay", "XSS by report text", "XSS by patient name", "Markdown injection",
    "log injection", "zip bomb", "PDF bomb", "slow body", "oversized body", "deep JSON", "regex backtracking",
)  # fmt: skip


def test_every_row_names_a_test():
    """A defense without a test is a hope."""
    assert len(ROWS) == len(TESTS)


@pytest.mark.parametrize(("file", "name"), TESTS)
def test_a_defense_has_its_test(file: str, name: str):
    """The named test exists."""
    assert f"def {name}(" in (ROOT / file).read_text("utf-8")


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_is_left_out(attack: str):
    """Each stands at the head of a row."""
    assert any(row.removeprefix("| ").startswith(attack) for row in ROWS)
