"""Which tests name which rows and what came of them, and the answers that the rows are tried on."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pytest

from cds_service.app import create_app
from cds_service.demo.patients import as_of, demo_patients, request_for
from cds_service.settings import Settings
from models.prediction import Predicts
from tests.conformance.answered import URL, Answered, Json
from tests.conformance.signing import Signer
from tools.conformance import FOLDER, NONE_SENT, PAGE_TEST, Outcome, Tried

_NAMED = pytest.StashKey[dict[str, tuple[int, ...]]]()
_FOUND = pytest.StashKey[dict[str, Outcome]]()
_EMPTY = pytest.StashKey[dict[str, tuple[int, ...]]]()
_FILES = pytest.StashKey[set[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--outcomes FILE`` keeps what the run found, for the page."""
    parser.addoption("--outcomes", help="write the outcome of each conformance test to this JSON file")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note the rows that each test names, and put the comparison of the page last."""
    own = [item for item in items if item.path.parent == FOLDER]
    config.stash[_NAMED] = {_name(item): named for item in own if (named := _rows(item))}
    config.stash[_FILES] = {item.path.name for item in own}
    config.stash[_FOUND], config.stash[_EMPTY] = {}, {}
    items.sort(key=lambda item: item.nodeid.endswith(PAGE_TEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Note the worst of what a test's setup, call and teardown came to, and the rows of which it saw nothing."""
    report = yield
    found = item.config.stash[_FOUND]
    if found.get(_name(item)) != "failed" and (report.outcome != "passed" or report.when == "call"):
        found[_name(item)] = report.outcome
    item.config.stash[_EMPTY][_name(item)] = tuple(row for told, row in item.user_properties if told == NONE_SENT)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the outcomes where the caller wants them."""
    if file := session.config.getoption("--outcomes", default=None):
        with open(file, "w", encoding="utf-8") as out:
            json.dump([asdict(one) for one in _tried(session.config)], out)


def _name(item: pytest.Item) -> str:
    return f"{item.path.name}::{item.name}"


def _rows(item: pytest.Item) -> tuple[int, ...]:
    return tuple(sorted({number for mark in item.iter_markers("row") for number in mark.args}))


def _tried(config: pytest.Config) -> list[Tried]:
    found, empty = config.stash[_FOUND], config.stash[_EMPTY]
    return [Tried(name, named, found.get(name), empty.get(name, ())) for name, named in config.stash[_NAMED].items()]


@pytest.fixture
def tried(pytestconfig: pytest.Config) -> list[Tried]:
    """Every test that names a row, as far as this run has come. Skips where not all of them are in it."""
    wanted = {path.name for path in FOLDER.glob("test_*.py")}
    all_ = _tried(pytestconfig)
    if pytestconfig.stash[_FILES] != wanted or any("::" in argument for argument in pytestconfig.args):
        pytest.skip("only a run of the whole folder knows every row")
    return all_


@pytest.fixture(scope="session")
def model() -> Predicts:
    """The shipped model."""
    from models.predictor import load_predictor

    return load_predictor()


@pytest.fixture(scope="session")
def answers(model: Predicts) -> tuple[Answered, ...]:
    """The answers to all demo patients, each at its own moment, with the shipped model."""
    moment: list[datetime] = []
    app = create_app(Settings(mode="demo"), predictor=model, clock=lambda: moment[-1], live=False)
    service, found = app.test_client(), []
    for patient in demo_patients():
        bundle = patient.bundle
        moment.append(as_of(bundle))
        asked = request_for(patient, bundle)
        found.append(Answered(patient, asked, service.post(URL, json=asked)))
    return tuple(found)


@pytest.fixture(scope="session")
def cards(answers: tuple[Answered, ...]) -> tuple[Json, ...]:
    """Every card among the answers."""
    return tuple(card for answer in answers for card in answer.cards)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    """An EHR that production trusts."""
    return Signer(tmp_path)
