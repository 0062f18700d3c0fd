"""The hidden course and what is charted of it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from models.simulation.charting import Exam, chart_scores, charted_end, charted_scores, draw_schedule
from models.simulation.course import ITEM_LIMITS, Course, draw_course
from models.simulation.judged import judged_stays, rule_table
from models.simulation.population import draw_people
from models.simulation.world import World, load_world

WORLD = load_world("a")
T0 = datetime(2024, 3, 1, tzinfo=UTC)


def _charts(world: World, count: int, seed: int = 5) -> Iterator[tuple[Course, tuple[Exam, ...]]]:
    for person in draw_people(world, count, seed):
        rng = np.random.default_rng([seed, 3, person.number])
        course = draw_course(world, person, rng)
        yield course, chart_scores(world, course, draw_schedule(world, rng), rng)


def _having(**settings: float) -> World:
    return replace(WORLD, settings={**WORLD.settings, **settings})


@pytest.mark.parametrize("name", ["a", "c"])
def test_the_event_comes_between_arrival_and_the_end_of_the_stay(name: str) -> None:
    """Event times are truncated to the seven days, and to the stay itself."""
    courses = [course for course, _ in _charts(load_world(name), 400)]
    events = [course for course in courses if course.event_h is not None]
    assert len(events) > 80
    assert all(0 <= (course.event_h or 0) <= min(168, course.departure.hours) for course in events)
    assert all(course.rise == 0 for course in courses if course.event_h is None)
    assert all((course.mechanism is None) is (course.event_h is None) for course in courses)


def test_the_truth_names_the_mechanism_that_struck_first() -> None:
    """World C has events of all four, each at its own time: re-embolism later than progression."""
    hours: dict[str, list[float]] = {}
    for course, _ in _charts(load_world("c"), 2500):
        if course.mechanism is not None and course.event_h is not None:
            hours.setdefault(course.mechanism, []).append(course.event_h)
    assert {one.name for one in load_world("c").mechanisms} == set(hours)
    assert np.median(hours["edema"]) > np.median(hours["progression"])
    assert len(hours["progression"]) > len(hours["re_embolism"])


def test_of_several_mechanisms_the_earliest_is_the_event() -> None:
    """Where all strike for sure, a second one can only bring the event forward."""
    world = load_world("c")
    person = replace(next(draw_people(world, 1, 1)), chances=(1.0, 1.0, 1.0, 1.0))
    alone = replace(person, chances=(1.0, 0.0, 0.0, 0.0))

    def event_h(whom: object) -> list[float]:
        drawn = (draw_course(world, whom, np.random.default_rng([1, number])) for number in range(300))  # type: ignore[arg-type]
        return [course.event_h or 168.0 for course in drawn]

    assert np.median(event_h(person)) < np.median(event_h(alone))


def test_true_points_and_items_agree() -> None:
    """The items of an hour add up to its total and stay within the scale."""
    for course, _ in _charts(WORLD, 100):
        for hours in (0.0, 20.0, 100.0):
            items = course.items_at(hours)
            assert course.points_at(hours) == sum(items.values())
            assert all(points <= ITEM_LIMITS[item] for item, points in items.items())


def test_total_and_items_agree_in_every_charted_score() -> None:
    """A total is the sum of its items; an untestable item adds nothing and stays unknown."""
    exams = [exam for _, exams in _charts(WORLD, 300) for exam in exams if exam.items]
    assert all(exam.total == sum(points or 0 for points in exam.items.values()) for exam in exams)
    assert all(set(ITEM_LIMITS) == set(exam.items) for exam in exams)
    assert {"7", "6a"} <= {item for exam in exams for item, points in exam.items.items() if points is None}
    assert all((points or 0) <= ITEM_LIMITS[item] for exam in exams for item, points in exam.items.items())


def test_without_noise_the_chart_is_the_truth() -> None:
    """Differences in scoring are the only reason for a chart to be off the course."""
    exact = _having(rescoring_per_item_day=0.0, untestable_share=0.0, untestable_spell_share=0.0)
    charts = list(_charts(exact, 60))
    assert all(exam.total == course.points_at(exam.hours) for course, exams in charts for exam in exams)
    noisy = [exam.total != course.points_at(exam.hours) for course, exams in _charts(WORLD, 60) for exam in exams]
    assert 0.02 < np.mean(noisy) < 0.3


def test_a_difference_in_scoring_is_carried_forward() -> None:
    """Noise is autocorrelated: after a score that is off, the next within four hours mostly is as well."""
    off: list[tuple[bool, bool]] = []
    for course, exams in _charts(_having(untestable_share=0.0, untestable_spell_share=0.0), 800):
        wrong = [exam.total != course.points_at(exam.hours) for exam in exams]
        gaps = [later.hours - earlier.hours for earlier, later in pairwise(exams)]
        off += [pair for pair, gap in zip(pairwise(wrong), gaps, strict=True) if gap < 4]
    after_wrong = float(np.mean([later for earlier, later in off if earlier]))
    after_right = float(np.mean([later for earlier, later in off if not earlier]))
    assert after_wrong > 0.6
    assert after_right < 0.1


def test_severe_strokes_are_scored_more_often() -> None:
    """Planned scores are skipped less where the baseline is high."""
    world = _having(skipped_share=0.3, protocol_share=1.0, other_death_share=0.0, transfer_share=0.0)
    counts: dict[bool, list[int]] = {True: [], False: []}
    for course, exams in _charts(world, 600):
        if course.departure.hours > 168 and course.event_h is None:
            counts[course.baseline >= 12].append(len(exams))
    assert np.mean(counts[True]) > np.mean(counts[False]) + 0.5


def test_no_score_is_charted_after_the_stay() -> None:
    """Scores end with the stay or with the seven days, and come in the order of time."""
    for course, exams in _charts(WORLD, 300):
        hours = [exam.hours for exam in exams]
        assert sorted(hours) == hours
        assert all(hour < min(168, course.departure.hours) for hour in hours)


def test_the_charted_rule_reads_scores_to_the_minute() -> None:
    """A rise of two points in the chart is END at its minute; without a baseline there is none."""
    exams = (Exam(0.5, 8, {}), Exam(10.0041, 9, {}), Exam(20.25, 10, {}))
    state = charted_end(exams, T0)
    assert state.raised is not None
    assert T0 + timedelta(hours=20, minutes=15) == state.raised.effective
    assert T0 + timedelta(hours=10) == charted_scores(exams, T0)[1].effective
    assert charted_end(exams[1:], T0).baseline is None


def test_the_charted_rule_fires_about_as_often_as_in_the_paper() -> None:
    """END near 38 %, mostly within 72 h, and in at most a tenth of those without a true event."""
    stays = judged_stays(WORLD, draw_people(WORLD, 2500, 11), 11)
    row = rule_table(WORLD, stays)[-1]
    assert 0.38 == pytest.approx(row.end_rule / row.stays, abs=0.03)
    assert 33 / 162 == pytest.approx(row.late / row.end_rule, abs=0.05)
    assert 0.90 <= row.specificity < 0.98
    assert 0.88 <= row.sensitivity < 1.0
