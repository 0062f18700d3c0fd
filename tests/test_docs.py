"""The documentation says what the code does."""

import re
from pathlib import Path

import pytest

from cds_service.settings import Settings

ROOT = Path(__file__).parents[1]
CONTROLS = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (ROOT / "docs/SAFETY.md").read_text("utf-8"))


def test_every_hazard_names_a_test():
    """A control without a test is no control."""
    rows = [line for line in (ROOT / "docs/SAFETY.md").read_text("utf-8").splitlines() if line.startswith("| ")][1:]
    assert len(CONTROLS) == len(rows)
    assert 12 <= len(rows)


@pytest.mark.parametrize(("file", "name"), CONTROLS)
def test_a_safety_control_has_its_test(file: str, name: str):
    """The named test exists."""
    assert f"def {name}(" in (ROOT / file).read_text("utf-8")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str):
    """Its variable and its description stand in the table."""
    text = (ROOT / "docs/CONFIGURATION.md").read_text("utf-8")
    assert f"`ENDWATCH_{name.upper()}`" in text
    assert str(Settings.model_fields[name].description) in text


def test_the_first_screen_of_the_readme_is_short():
    """At most 500 words stand before the first heading below the title."""
    text = (ROOT / "README.md").read_text("utf-8")
    assert 500 >= len(text.split("\n## ")[0].split())


def test_every_dependency_is_explained():
    """Each run-time requirement of pyproject.toml has its line."""
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    explained = (ROOT / "docs/DEPENDENCIES.md").read_text("utf-8")
    names = {re.split(r"[<>=\[]", requirement)[0] for requirement in project["dependencies"]}
    assert set() == {name for name in names if name not in explained}


def test_lock_files_hold_no_address():
    """Versions and hashes only."""
    for name in ("requirements.lock", "requirements-torch.txt"):
        assert "://" not in (ROOT / name).read_text("utf-8")


def test_links_of_the_readme_lead_somewhere():
    """Every relative link is a file."""
    links = re.findall(r"\]\((?!http)([^)#]+)", (ROOT / "README.md").read_text("utf-8"))
    assert [] == [link for link in links if not (ROOT / link).exists()]
