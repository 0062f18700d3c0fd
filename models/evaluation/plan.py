"""What an evaluation computes, fixed before it is run."""

from dataclasses import dataclass

STEP = 0.01


@dataclass(frozen=True)
class Plan:
    """The settings of an evaluation. Hours count from arrival; all numbers without a source are assumptions.

    ``landmarks_h``: the hours at which calls are evaluated; ``primary_h`` is the landmark of every figure
    where an admission may count only once (the first reports are in by then: assumption). ``boundary_h``
    parts early from late END: the paper does not say where, 72 h fits its 129:33 best (assumption).
    ``fewest``: a figure needs so many admissions with END and without (assumption). ``thresholds`` of the
    decision curves. ``windows_h``: the NIHSS trajectories take each admission's last score in each window
    (assumption).
    """

    landmarks_h: tuple[float, ...] = (1.0, 6.0, 24.0, 48.0, 72.0)
    primary_h: float = 6.0
    boundary_h: float = 72.0
    horizon_h: float = 168.0
    draws: int = 500
    seed: int = 20260316
    fewest: int = 10
    thresholds: tuple[float, ...] = tuple(round(0.10 + STEP * step, 2) for step in range(51))
    windows_h: tuple[float, ...] = (6.0, 12.0, 24.0, 36.0, 48.0, 72.0, 96.0, 120.0, 144.0, 168.0)

    def __post_init__(self) -> None:
        if self.draws < 2:
            raise ValueError(f"{self.draws} draws give no interval")
        if self.primary_h not in self.landmarks_h:
            raise ValueError(f"the primary landmark, {self.primary_h:g} h, is none of the landmarks")
        if odd := [one for one in self.thresholds if not 0 < one < 1]:
            raise ValueError(f"a threshold lies between 0 and 1, not at {odd[0]}")
