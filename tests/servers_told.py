"""Which real servers the tests ran against, said at the end of the output, whichever process started them."""

import pytest

TOLD = pytest.StashKey[list[str]]()
_OUTPUT = "servers_told"


def tell(config: pytest.Config, line: str) -> None:
    """Have a line said at the end."""
    config.stash.setdefault(TOLD, []).append(line)


def hand_over(config: pytest.Config) -> None:
    """Where this process is a worker of pytest-xdist: give its lines to the one that writes the output."""
    if output := getattr(config, "workeroutput", None):
        output[_OUTPUT] = config.stash.get(TOLD, [])


def taken_over(config: pytest.Config, output: dict[str, list[str]]) -> None:
    """The lines of a worker that has ended."""
    for line in output.get(_OUTPUT, []):
        tell(config, line)
