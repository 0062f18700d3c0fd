"""evaluation.json as it is promised, to check documents against; nothing beyond it is allowed."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Strict(BaseModel):
    """No field may be missing, and none may be added."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Given(Strict):
    """A figure with its interval."""

    value: float
    low: float | None
    high: float | None
    n: Annotated[int, Field(ge=1)]
    events: Annotated[int, Field(ge=0)]


class Refused(Strict):
    """No figure, and why not."""

    value: None
    refused: Annotated[str, Field(min_length=10)]
    n: int
    events: int


Figure = Given | Refused
Metrics = dict[str, Figure]


class Truth(Strict):
    """Against the simulated event."""

    overall: Metrics
    landmarks: dict[str, Metrics]


class Model(Strict):
    """One model."""

    probability: bool
    thresholds: list[tuple[float, float]] | None  # hour, and the risk from which a row is flagged then
    overall: Metrics
    landmarks: dict[str, Metrics]
    schedules: dict[str, Metrics]
    subgroups: dict[str, Metrics]
    early_late: dict[Literal["early", "late"], Metrics]
    event_truth: Truth | Refused


class Paired(BaseModel):
    """A difference; the figure's own fields beside it."""

    model_config = ConfigDict(extra="allow")
    model: str
    other: str
    rows: str
    metric: Literal["auc", "auprc", "brier"]
    value: float | None
    n: int
    events: int


class Decision(Strict):
    """Net benefit by threshold."""

    hour: float
    thresholds: list[float]
    flag_all: list[Figure] | Refused
    models: dict[str, list[Figure] | Refused]


class At(Strict):
    """A share with END at a risk."""

    risk: float
    observed: Figure


class Histogram(Strict):
    """How many rows have which risk."""

    edges: list[float]
    rows: list[int]


class Curve(Strict):
    """Risk against outcome."""

    tenths: list[At]
    smooth: list[At]
    histogram: Histogram


class Calibration(Strict):
    """By model."""

    hour: float
    models: dict[str, Curve | Refused]


class Ends(Strict):
    """Incidence of END and of what competes."""

    end: list[Figure] | Refused
    competing: list[Figure] | Refused


class EndsByGroup(Strict):
    """By risk group."""

    flagged: Ends
    not_flagged: Ends


class Incidence(Strict):
    """At every hour."""

    hour: float
    hours: list[float]
    all: Ends
    models: dict[str, EndsByGroup | Refused]


class Window(Strict):
    """The mean NIHSS up to an hour."""

    until_h: float
    nihss: Figure


class WindowsByGroup(Strict):
    """By risk group."""

    flagged: list[Window]
    not_flagged: list[Window]


class Trajectories(Strict):
    """The mean NIHSS over time."""

    hour: float
    all: list[Window]
    models: dict[str, WindowsByGroup | Refused]


class Plan(Strict):
    """What was computed."""

    landmarks_h: list[float]
    primary_h: float
    boundary_h: float
    horizon_h: float
    draws: int
    seed: int
    fewest: int
    thresholds: list[float]
    windows_h: list[float]


class Document(Strict):
    """The whole file."""

    statement: str
    title: str
    training_population: str
    config_sha256: Sha256
    test_set_sha256: Sha256
    n_admissions: int
    n_rows: int
    plan: Plan
    models: dict[str, Model]
    paired: list[Paired]
    decision_curve: Decision
    calibration_curve: Calibration
    cumulative_incidence: Incidence
    trajectories: Trajectories
    lost: dict[str, int]
