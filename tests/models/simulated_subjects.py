"""Simulated patients as reports see them, without charts."""

from collections.abc import Iterator

import numpy as np

from models.simulation.course import draw_course
from models.simulation.details import Subject, draw_details
from models.simulation.phrasebook import Phrasing
from models.simulation.population import draw_people
from models.simulation.reports import WrittenReport, write_reports
from models.simulation.world import World


def subjects(world: World, count: int, seed: int = 5) -> Iterator[Subject]:
    """Patients with their courses and findings."""
    for person in draw_people(world, count, seed):
        rng = np.random.default_rng([seed, 3, person.number])
        yield Subject(person, draw_course(world, person, rng), draw_details(world, person, rng))


def written(
    world: World, subject: Subject, phrasing: Phrasing = "training", seed: int = 5
) -> tuple[WrittenReport, ...]:
    """The reports of one of them."""
    return write_reports(world, subject, np.random.default_rng([seed, subject.person.number]), phrasing)
