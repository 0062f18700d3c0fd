"""Processes that share a long work."""

import gc
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from typing import TypeVar

Job = TypeVar("Job")
Done = TypeVar("Done")


def shared(work: Callable[[Job], Done], jobs: Iterable[Job], processes: int) -> Iterator[Done]:
    """What the work makes of each job, in their order, done in so many processes.

    ``work`` is a function of a module, so that a process can import it; with one process it runs here.
    """
    yield from map(work, jobs) if processes == 1 else _workers(processes).map(work, jobs)


def collect_rarely() -> None:
    """Have the garbage collector look less often: charts are many small objects, and hardly any is in a cycle."""
    gc.set_threshold(100_000, 50, 50)


@cache
def _workers(processes: int) -> ProcessPoolExecutor:
    """Processes that stay: each takes seconds to load torch. A fork would inherit locks of torch's threads."""
    return ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), initializer=collect_rarely)
