"""Whatever a service answers, something is said of it, and nothing is raised."""

import copy
import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from cds_service.check.caller import Answer, Caller
from cds_service.check.page import why
from cds_service.check.run import findings
from cds_service.check.seen import Choices
from tests.check.checked import REQUEST
from tests.check.other_service import ANSWER, DISCOVERY, Json
from tests.fakes import session_with

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=4) | st.just("action") | st.just(2.5)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)


class Answering(BaseAdapter):
    """The same discovery to each GET, and the same answer to all else."""

    def __init__(self, discovery: Any, answer: Any, status: int = 200) -> None:
        super().__init__()
        self.bodies, self.other, self.status = {"GET": discovery}, answer, status

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        """One answer."""
        response = requests.Response()
        response.status_code = 200 if request.method == "GET" else self.status
        body = json.dumps(self.bodies.get(request.method or "", self.other)).encode()
        response.headers["Content-Type"] = "application/json"
        response.raw = HTTPResponse(BytesIO(body), status=response.status_code, preload_content=False)
        return response

    def close(self) -> None:
        """Nothing is open."""


def places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to everything below."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        yield (*path, key)
        yield from places(value, (*path, key))


def put(whole: Json, path: tuple[Any, ...], value: Any) -> Json:
    """A copy with another value at a path."""
    changed = copy.deepcopy(whole)
    node: Any = changed
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return changed


GIVEN = Choices(request=REQUEST)


def all_said(discovery: Any, answer: Any, status: int = 200, choices: Choices = GIVEN) -> None:
    """Everything comes to something that fits on a line."""
    caller = Caller(session_with(Answering(discovery, answer, status)), "https://any.example")
    for one in findings(caller, choices):
        assert why(one).isprintable()


@settings(deadline=None, max_examples=50)
@given(place=st.sampled_from(list(places(ANSWER))), value=ANYTHING)
def test_any_member_of_an_answer_may_be_anything(place: tuple[Any, ...], value: Any):
    """Cards, sources, suggestions, actions, links and all below."""
    all_said(DISCOVERY, put(ANSWER, place, value))


@settings(deadline=None, max_examples=50)
@given(place=st.sampled_from(list(places(DISCOVERY))), value=ANYTHING)
def test_any_member_of_discovery_may_be_anything(place: tuple[Any, ...], value: Any):
    """With a request of the user's and with one that is made up."""
    all_said(put(DISCOVERY, place, value), ANSWER)
    all_said(put(DISCOVERY, place, value), ANSWER, choices=Choices())


@pytest.mark.parametrize("value", [[], {}, [None], 1, None, {"a": []}])
@pytest.mark.parametrize("name", ["hook", "id", "prefetch"])
def test_no_member_of_a_service_needs_to_be_what_it_should_be(name: str, value: Any):
    """A value that no set holds, among services that are listed rightly."""
    services = [DISCOVERY["services"][0], DISCOVERY["services"][0] | {name: value}]
    for listed in (services, services[::-1]):
        all_said({"services": listed}, ANSWER)


@settings(deadline=None, max_examples=50)
@given(ANYTHING, ANYTHING, st.sampled_from([200, 204, 301, 400, 401, 403, 412, 500]))
def test_any_json_may_come_with_any_status(discovery: Any, answer: Any, status: int):
    """No object at all."""
    all_said(discovery, answer, status)
    all_said(DISCOVERY, answer, status)


@pytest.mark.parametrize("body", ["[" * 100_000, "NaN", '{"services": 1e999}'])
def test_a_body_that_is_no_plain_json_is_no_json(body: str):
    """Too deep, no number, or beyond numbers."""
    assert Answer(200, {}, body.encode()).json in (None, {"services": float("inf")})
