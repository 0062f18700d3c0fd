"""Each fault of a FHIR server, tried through the whole service: what the user sees, in time, and nothing gets out."""

import time
from collections.abc import Iterator

import pytest
import requests

from cds_service.demo.patients import demo_patient
from cds_service.outbound.breaker import MOST_FAILURES, PAUSE_S
from models.prediction import Predicts
from tests.fakes import FakePredictor
from tests.integration.fault_calls import TOKEN, Caller, Upstream, charted, named
from tests.integration.fault_calls import upstream as some_server
from tests.integration.fault_kinds import KINDS
from tests.integration.fault_proxy import passed, proxied
from tests.integration.fault_table import Row, Tried, rows, tried, true_of
from tests.integration.fault_truth import Truth
from tools.faults import COMMAND, PAGE, page, promised

SHORT_MS, LONG_MS = 2500, 10_000
"""Deadlines: the default where a fault ends with it; elsewhere one that a busy machine keeps, as speed is judged by
the page and by ``make trials``."""


@pytest.fixture(scope="module")
def behind(request: pytest.FixtureRequest) -> Iterator[Upstream]:
    """HAPI FHIR, or the embedded server where HAPI cannot be had."""
    try:
        yield named(request.getfixturevalue("hapi").base)
    except pytest.skip.Exception:
        pytest.importorskip("sekmet", reason="needs the demo extra")
        with some_server() as found:
            yield found


@pytest.fixture(scope="module")
def fake() -> Predicts:
    """A model that always says the same."""
    return FakePredictor()


@pytest.fixture(scope="module")
def truth(behind: Upstream, fake: Predicts) -> Truth:
    """A patient on the server, and the card of the call in which nothing fails."""
    return true_of(charted(demo_patient("flagged"), behind.base), behind.base, fake, times=5)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
def test_a_fault_comes_to_what_the_table_promises(row: Row, truth: Truth, behind: Upstream, fake: Predicts):
    """The kind of answer, with its reason, in time; every value shown is the chart's, and no secret got out."""
    deadline_ms = SHORT_MS if "timed out" in row.why else LONG_MS
    found = tried(row, truth, behind.base, fake, deadline_ms=deadline_ms)
    assert ((), row.expected) == (found.wrong, found.outcome), found.told
    assert deadline_ms + 1000 > found.milliseconds


def test_a_server_that_does_not_answer_is_left_alone_for_a_while(truth: Truth, behind: Upstream, fake: Predicts):
    """After three calls without any answer the next is refused at once and asks nothing; later all is well again."""
    with proxied(behind.base, lambda _: KINDS["closes unanswered"]) as proxy:
        caller = Caller(proxy.base, fake)
        assert [412] * MOST_FAILURES == [caller.call(truth.chart, TOKEN).status for _ in range(MOST_FAILURES)]
        heard = len(proxy.heard)
        refused = caller.call(truth.chart, TOKEN)
        assert (412, heard) == (refused.status, len(proxy.heard))
        assert "did not answer the last calls" in refused.body["issue"][0]["diagnostics"]
        assert 500 > refused.milliseconds
        proxy.plan = lambda _: passed
        time.sleep(PAUSE_S)
        assert 200 == caller.call(truth.chart, TOKEN).status


def test_every_fault_stands_in_the_table_and_the_table_on_the_page():
    """No fault is forgotten, and the page's promises are the table's; its times are those of its own run."""
    assert set(KINDS) == {row.kind for row in rows()}
    assert promised(PAGE.read_text("utf-8")) == [(row.says, row.where, row.expected, row.expected) for row in rows()], (
        f"docs/{PAGE.name} is out of date: run `{COMMAND}`"
    )


def test_the_page_says_what_came_of_a_row():
    """Where a row does not hold, the page says so."""
    row = rows()[0]
    failed = Tried(row, "said", 1234.5, "Labs unknown: why", ("age differs",))
    (line,) = [line for line in page([failed], "A server 1").splitlines() if row.says in line]
    assert "**card that says what is missing; age differs**" in line
    assert "1,234" in line


def test_without_a_fault_the_proxy_is_not_noticed(behind: Upstream, truth: Truth):
    """Status and body come as the server's own; what was asked is remembered."""
    with proxied(behind.base) as proxy, requests.Session() as session:
        url = f"Patient/{truth.chart.id}"
        through, direct = (session.get(f"{base}/{url}", timeout=30) for base in (proxy.base, behind.base))
        missing = session.get(f"{proxy.base}/Patient/nobody", timeout=30)
    assert (200, direct.json()) == (through.status_code, through.json())
    assert 404 == missing.status_code
    assert ["/" + url, "/Patient/nobody"] == [asked.target for asked in proxy.heard]


def test_the_truth_is_what_the_mappings_make_of_the_bundle(truth: Truth, behind: Upstream, fake: Predicts):
    """The call in which nothing fails asked the model for exactly that."""
    with proxied(behind.base) as proxy:
        came_to = Caller(proxy.base, fake).call(truth.chart, TOKEN)
    assert came_to.seen is not None
    assert truth.inputs is not None
    assert truth.inputs.features == came_to.seen.features
    assert set(truth.inputs.sentences) == set(came_to.seen.sentences)
