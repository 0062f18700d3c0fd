"""Fixtures for all tests, and how they are shared out among processes."""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.servers_told import TOLD, hand_over, taken_over

_TOGETHER = ("conformance", "integration")
"""Folders whose files share what is slow to make, or look at each other's outcomes: one process runs them all."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--write-goldens`` rewrites the golden cards, to be reviewed as text."""
    parser.addoption("--write-goldens", action="store_true", help="rewrite tests/golden/*.txt")


class ByFile(LoadScopeScheduling):
    """Shares out whole files and, of some folders, the folder."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return next((folder for folder in _TOGETHER if f"/{folder}/" in path), path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    """With ``-n``: who runs what."""
    return ByFile(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells which servers it ran against."""
    hand_over(session.config)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker has ended."""
    taken_over(node.config, getattr(node, "workeroutput", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which servers the tests ran against."""
    for line in dict.fromkeys(config.stash.get(TOLD, [])):
        terminalreporter.write_line(line)
