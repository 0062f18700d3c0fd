"""How the steps of a long work tell their progress."""

from collections.abc import Callable

from models.notes import Progress

Stage = Callable[[str], Progress]
"""A named step begins: how it tells its progress."""


def quiet(_name: str) -> Progress:
    """A stage that nobody watches."""
    return lambda _done, _total: None
