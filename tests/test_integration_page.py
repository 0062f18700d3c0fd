"""docs/INTEGRATION.md says what the profiles and the settings are."""

import re
import shlex
from pathlib import Path

import click
import pytest

from cds_service.cli import main
from cds_service.fhir_client.profiles import FIELDS, table
from cds_service.settings import Settings
from tools.profiles import BEGIN, END, PAGE, page_with, rendered

TEXT = PAGE.read_text("utf-8")
COMMANDS = re.findall(r"(?:^|`)(?:\.venv/bin/)?endwatch ([^`\n#]+)", TEXT, re.MULTILINE)


def test_the_table_of_profiles_is_that_of_the_data() -> None:
    """Written by `python -m tools.profiles`; a changed value changes the page."""
    assert TEXT == page_with(TEXT, rendered())
    assert TEXT != page_with(TEXT, rendered().replace("200", "201", 1))


def test_every_value_of_every_vendor_has_its_source_or_is_unknown() -> None:
    """No cell of the second table is empty."""
    inside = TEXT.partition(BEGIN)[2].partition(END)[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (.+) \|$", inside, re.MULTILINE)
    assert len(table()) * len(FIELDS) == len([row for row in rows if row[0] in table()])
    assert all(basis.strip() for *_, basis in rows)


@pytest.mark.parametrize("words", COMMANDS)
def test_the_commands_of_the_page_are_commands(words: str) -> None:
    """Each with options that it has."""
    name, *given = shlex.split(words)
    try:
        main.commands[name].make_context(name, given)
    except click.MissingParameter:
        pytest.fail(f"endwatch {words} lacks something")


def test_the_settings_of_the_page_are_settings() -> None:
    """A reader may copy each name."""
    names = set(re.findall(r"ENDWATCH_(?!TEST_)[A-Z_]+", TEXT))
    assert names
    assert names <= {f"ENDWATCH_{name.upper()}" for name in Settings.model_fields}


def test_the_files_of_the_page_are_there() -> None:
    """Links and paths lead somewhere."""
    root = Path(__file__).parents[1]
    linked = [PAGE.parent / name for name in re.findall(r"\]\((?!http)([^)#]+)", TEXT)]
    named = [root / name for name in re.findall(r"`((?:deploy|tests)/[\w./-]+)`", TEXT)]
    assert linked
    assert named
    assert [] == [path for path in (*linked, *named) if not path.exists()]
