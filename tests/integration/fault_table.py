"""The table of faults: each row is tried through the whole service and held against what it promises."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from fhir_mappings.codes import nihss_codes
from fhir_mappings.queries import CLINICAL, CORE, fallback_searches
from models.prediction import Predicts
from tests.integration.fault_calls import TOKEN, Caller, CameTo, everything_logged, leaks, outcome_of
from tests.integration.fault_kinds import KINDS
from tests.integration.fault_proxy import Asked, Fault, Plan, passed, proxied
from tests.integration.fault_truth import Chart, Truth
from tests.loopback import Heard, http, listening

_LONG_MS = 30_000
_KEYS = {query.resource_type: query.key for query in (*CORE, *CLINICAL)} | {
    search.path: query.key
    for query in CLINICAL
    for search in fallback_searches(query, "", t0=None)
}  # fmt: skip
"""The queries by the types that are asked for them."""

FILE = Path(__file__).with_name("faults.toml")

Where = Literal["all", "labs", "nihss", "reports"]
WHERE: Mapping[Where, str] = {
    "all": "every request",
    "labs": "labs, not required",
    "nihss": "NIHSS, required",
    "reports": "imaging reports, not required",
}
Answer = Literal["complete", "said", "412"]
ANSWERS: Mapping[str, str] = {
    "complete": "complete card",
    "said": "card that says what is missing",
    "412": "412",
    "cut": "card without room to say all that is missing",
    "503": "503",
    "failed": "failed",
}


@dataclass(frozen=True)
class Row:
    """One fault in one place, what has to come of it, and words one of which the answer has to give as reason.

    ``posts``: long searches go by POST.
    """

    kind: str
    says: str
    where: Where
    expected: Answer
    why: tuple[str, ...] = ()
    posts: bool = False

    @property
    def name(self) -> str:
        """The row's name in tests."""
        return f"{self.kind} ({self.where}{', by POST' if self.posts else ''})"


@cache
def rows() -> tuple[Row, ...]:
    """Every row, as `FILE` lists them."""
    faults = tomllib.loads(FILE.read_text("utf-8"))["fault"]
    return tuple(
        Row(fault["kind"], fault["says"], where, fault[where], tuple(fault.get("why", ())), fault.get("posts", False))
        for fault in faults
        for where in WHERE
        if where in fault
    )


@dataclass(frozen=True)
class Tried:
    """What came of a row: the kind of answer, its time, the sentence that gives the reason, and what is wrong."""

    row: Row
    outcome: str
    milliseconds: float
    told: str
    wrong: tuple[str, ...]


def true_of(chart: Chart, base: str, model: Predicts, times: int = 1) -> Truth:
    """The answer of the call in which nothing fails, with all the time that it needs; ``times`` warm a server up."""
    with proxied(base) as proxy:
        caller = Caller(proxy.base, model, deadline_ms=_LONG_MS)
        came_to = [caller.call(chart, TOKEN) for _ in range(times)][-1]
    assert came_to.status == 200, came_to.body
    return Truth(chart, came_to.cards, model.features)


def tried(row: Row, truth: Truth, base: str, model: Predicts, **settings: Any) -> Tried:
    """Try a row on a service and a proxy of its own, with these settings besides those of test mode."""
    with (
        listening(Heard(http(b"{}"))) as (elsewhere, visitors),
        proxied(base, _plan(row)) as proxy,
        everything_logged() as log,
    ):
        proxy.elsewhere, proxy.moment = elsewhere.removesuffix("/fhir"), truth.chart.as_of
        caller = Caller(proxy.base, model, posts=row.posts, **settings)
        came_to = caller.call(truth.chart, TOKEN)
        posted = any(asked.method == "POST" for asked in proxy.heard)
        recent = caller.client.get("/calls.json").get_data(as_text=True)
    outcome, wrong = outcome_of(came_to, truth, model)
    said = _told(came_to, row)
    if outcome == row.expected != "complete" and not _gives(said, row):
        wrong = [*wrong, f"the reason is not told: {' or '.join(row.why)}"]
    wrong += leaks(log.getvalue() + recent, truth.chart.id) + leaks(json.dumps(came_to.body))
    wrong += ["another host was asked"] if visitors else []
    wrong += ["no search went by POST"] if row.posts and not posted else []
    return Tried(row, outcome, came_to.milliseconds, said, tuple(wrong))


def _plan(row: Row) -> Plan:
    fault = KINDS[row.kind]

    def plan(asked: Asked) -> Fault:
        return fault if row.where in ("all", key_of(asked)) else passed

    return plan


def key_of(asked: Asked) -> str:
    """The query that a request belongs to; ``follow-ups`` for what is read because another refers to it."""
    kind = asked.path.strip("/").partition("/")[0]
    if not asked.is_search:
        return "patient" if kind == "Patient" else "follow-ups"
    if kind != "Observation":
        return _KEYS.get(kind, kind)
    if "category" in asked.params:
        return "vitals"
    return "nihss" if nihss_codes()[0] in asked.params.get("code", [""])[0] else "labs"


def _told(came_to: CameTo, row: Row) -> str:
    """The sentence of an answer that gives the reason, else nothing; a refusal's whole text."""
    if came_to.status != 200:
        issues = came_to.body.get("issue", [{}])
        return str(issues[0].get("diagnostics", ""))
    detail = "\n".join(card["detail"] for card in came_to.cards).replace("\\", "")
    sentences = [part.strip() for part in detail.replace("\n", ". ").split(". ")]
    return next((one for one in sentences if _gives(one, row)), "")


def _gives(sentence: str, row: Row) -> bool:
    """True where a sentence gives the reason that a row promises."""
    return any(words in sentence for words in row.why)
