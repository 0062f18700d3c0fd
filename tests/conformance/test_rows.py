"""The rows themselves: complete, each with its tests, and on the page as this run found them."""

from collections.abc import Sequence

import pytest

from tools.conformance import COMMAND, PAGE, Row, Tried, page, rows


def test_the_rows_are_complete_and_say_why_they_are_not_tried_from_outside():
    """119 numbers without a gap; a reason stands at each row that is no black box, and at no other."""
    assert list(range(1, 120)) == [row.number for row in rows()]
    assert [] == [row.number for row in rows() if (row.kind == "black-box") == bool(row.why)]


def test_every_row_that_needs_a_test_has_one_and_no_test_names_another(tried: list[Tried]):
    """A row without a test fails the build."""
    assert {row.number for row in rows() if row.is_tried} == {number for one in tried for number in one.rows}


def test_the_page_says_what_this_run_found(tried: list[Tried]):
    """A stale page fails the build: it is compared with the outcomes of the tests before."""
    if any(one.outcome is None for one in tried):
        pytest.skip("not every test was run")
    assert page(tried) == PAGE.read_text("utf-8"), f"docs/{PAGE.name} is out of date: run `{COMMAND}`"


@pytest.mark.parametrize(
    ("tried", "result"),
    [
        ([], "not tried"),
        ([Tried("a", (1,), "passed"), Tried("b", (1,), None)], "not tried"),
        ([Tried("a", (1,), "passed"), Tried("b", (1, 2), "failed")], "failed"),
        ([Tried("a", (1,), "passed"), Tried("b", (1,), "skipped")], "skipped"),
        ([Tried("a", (1,), "passed"), Tried("b", (2,), "failed")], "passed"),
        ([Tried("a", (1, 2), "passed", (1,)), Tried("b", (1,), "passed", (1,))], "passed: none is sent"),
        ([Tried("a", (1, 2), "passed", (2,)), Tried("b", (1,), "passed")], "passed"),
        ([Tried("a", (1,), "passed", (1,)), Tried("b", (1,), "passed")], "passed"),
        ([Tried("a", (1,), "passed", (1,)), Tried("b", (1,), "failed", (1,))], "failed"),
    ],
)
def test_a_row_passed_only_if_all_its_tests_did(tried: Sequence[Tried], result: str):
    """The page says the worst, and where no test saw what the row is about."""
    (line,) = [line for line in page(tried).splitlines() if line.startswith("| 1 |")]
    assert line.endswith(f"| {result} |")


def test_a_row_that_is_not_tried_shows_its_reason():
    """Instead of tests."""
    untried = next(row for row in rows() if not row.is_tried)
    assert isinstance(untried, Row)
    assert f"| {untried.why} | - |" in page([])
