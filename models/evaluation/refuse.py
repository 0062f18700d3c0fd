"""A figure as it is written down, and the reasons for which there is none."""

from typing import Any

import numpy as np

from models.evaluation.intervals import interval_of
from models.evaluation.rows import Floats

Figure = dict[str, Any]
"""``value, low, high, n, events``, or ``value`` None with ``refused`` saying why, ``n`` and ``events``."""

DIGITS = 6

NO_PROBABILITY = "its output is a ranking, no probability"
NO_THRESHOLD = "no threshold was set for it beforehand"
NO_TRUTH = "what truly happened is known of simulated patients only"


def figure(value: float, low: float | None, high: float | None, n: int, events: int) -> Figure:
    """A value with its 95 % interval, on ``n`` rows of which ``events`` with END; refused if there is no value."""
    if not np.isfinite(value):
        return refused("it has no value on these rows", n, events)
    ends = [None if end is None or not np.isfinite(end) else round(float(end), DIGITS) for end in (low, high)]
    return {"value": round(float(value), DIGITS), "low": ends[0], "high": ends[1], "n": n, "events": events}


def figure_of(value: float, draws: Floats, n: int, events: int) -> Figure:
    """A value whose interval is that of the draws."""
    low, high = interval_of(draws) or (None, None)
    return figure(value, low, high, n, events)


def refused(why: str, n: int, events: int) -> Figure:
    """No figure, and why not."""
    return {"value": None, "refused": why, "n": n, "events": events}


def too_few(having: int, free: int, fewest: int) -> str | None:
    """Why a figure on so many admissions with END and without would mislead; None where it would not."""
    for count, kind in ((having, "with"), (free, "without")):
        if count < fewest:
            return f"only {count} admission{'' if count == 1 else 's'} {kind} END: fewer than {fewest}"
    return None
