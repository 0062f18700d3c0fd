"""Fixtures for all tests."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--write-goldens`` rewrites the golden cards, to be reviewed as text."""
    parser.addoption("--write-goldens", action="store_true", help="rewrite tests/golden/*.txt")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """No ENDWATCH_* variable of the machine reaches a test."""
    import os

    for name in [name for name in os.environ if name.startswith("ENDWATCH_")]:
        monkeypatch.delenv(name)
