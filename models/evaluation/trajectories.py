"""The mean NIHSS of flagged and not flagged admissions over time, with intervals."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import numpy as np

from models.evaluation.intervals import Draws
from models.evaluation.ranking import ratio
from models.evaluation.refuse import figure_of, refused
from models.evaluation.rows import Flags, Floats, TestRows


def last_totals(rows: TestRows, windows_h: Sequence[float]) -> Floats:
    """The last NIHSS total of each row's stay in each window up to these hours [B, W]; NaN where there is none."""
    width = len(windows_h)
    by_stay: dict[str, Floats] = {}
    for stay, series in rows.series.items():
        held = np.full(width, np.nan)
        for hour, total in sorted(series):
            window = bisect_left(windows_h, hour)
            if window < width:
                held[window] = total
        by_stay[stay] = held
    nothing = np.full(width, np.nan)
    return np.stack([by_stay.get(stay, nothing) for stay in rows.stays])


def trajectory(
    draws: Draws, totals: Floats, keep: Flags, ended: Flags, *, windows_h: Sequence[float], fewest: int
) -> list[dict[str, Any]]:
    """The mean of the kept rows' totals in each window, of those scored in it; refused below ``fewest`` admissions.

    ``ended`` [B] says which rows' stays had END: the count of events beside each figure.
    """
    scored = keep[:, None] & ~np.isnan(totals)
    drawn = ratio(_in_draws(draws, np.where(scored, totals, 0)), _in_draws(draws, scored.astype(np.float64)))
    found = []
    for window, hour in enumerate(windows_h):
        n, events = int(scored[:, window].sum()), int((scored[:, window] & ended).sum())
        if n < fewest:
            mean = refused(f"only {n} admissions were scored in this window: fewer than {fewest}", n, events)
        else:
            mean = figure_of(float(drawn[0, window]), drawn[1:, window], n, events)
        found.append({"until_h": hour, "nihss": mean})
    return found


def _in_draws(draws: Draws, values: Floats) -> Floats:
    """Sums over the rows [B, W] in every draw [D, W]."""
    by_cluster = np.zeros((len(draws.times), values.shape[1]))
    np.add.at(by_cluster, draws.place, values)
    return np.asarray(draws.times.T @ by_cluster)
