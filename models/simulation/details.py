"""What the findings of one patient are in particular: the site, the points, the millimeters."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.simulation.course import Course
from models.simulation.population import Person
from models.simulation.world import World


@dataclass(frozen=True)
class Details:
    """What the findings of one patient are in particular."""

    site: str | None
    aspects: int
    shift_mm: int
    stenosis_percent: int
    grade: Literal["small", "moderate", "large"]
    declined: bool
    moderate_collaterals: bool

    def value_of(self, about: str) -> int | None:
        """The number that a sentence about this finding carries."""
        return {"aspects": self.aspects, "midline_shift": self.shift_mm, "stenosis": self.stenosis_percent}.get(about)


@dataclass(frozen=True)
class Subject:
    """Whom a report is about."""

    person: Person
    course: Course
    details: Details


def _site(person: Person, drawn: float) -> str | None:
    """Where the occlusion is (shares within proximal and distal: assumption)."""
    if person.has("proximal_occlusion"):
        return "ica" if drawn < 0.15 else "tandem" if drawn < 0.25 else "m1"
    if person.has("distal_occlusion"):
        return "m2" if drawn < 0.75 else "m3"
    return None


def draw_details(world: World, person: Person, rng: np.random.Generator) -> Details:
    """The particulars of the findings (all shares: assumption)."""
    site_drawn, declined, moderate = rng.random(3).tolist()
    size = person.values["nihss"] / 8 + 0.6 * rng.standard_normal()
    changed = person.has("early_ischemic_change")
    return Details(
        site=_site(person, site_drawn),
        aspects=max(2, 9 - int(rng.poisson(0.4 + 0.12 * person.values["nihss"]))) if changed else 10,
        shift_mm=int(rng.integers(2, 8)) if person.has("midline_shift") else 0,
        stenosis_percent=int(rng.integers(10, 20)) * 5 if person.has("stenosis") else 0,
        grade="small" if size < 0.9 else "moderate" if size < 1.9 else "large",
        declined=person.has("proximal_occlusion") and declined < world["declined_share"],
        moderate_collaterals=bool(moderate < 0.4),
    )
