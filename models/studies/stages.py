"""How the steps of a study tell their progress."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Called with (done, total) as the work goes on."""

Stage = Callable[[str], Progress]
"""A named step begins: how it tells its progress."""
