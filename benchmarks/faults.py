"""Chart opens while a fifth of all requests to the FHIR server meet a fault: is any card wrong, is any answer late?

Each call brings a token of its own, by which the proxy tells calls apart: which request meets which
fault follows from the seed alone. Calls are opened at a steady pace, as people do: a circuit breaker
that refuses many calls in a second would otherwise answer most of them.
"""

import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from cds_service.demo.patients import demo_patients
from cds_service.settings import Settings
from models.predictor import load_predictor
from tests.integration.fault_calls import TOKEN, Caller, CameTo, charted, everything_logged, leaks, outcome_of, upstream
from tests.integration.fault_kinds import KINDS
from tests.integration.fault_proxy import Asked, Fault, passed, proxied
from tests.integration.fault_table import key_of, true_of
from tests.integration.fault_truth import Truth
from tests.loopback import Heard, http, listening

CALLS, SHARE, SEED = 1000, 0.2, 20260328
CALLERS, EVERY_S = 6, 1.2
"""Callers at once, and the time from one call of each to its next."""

LEFT_OUT = frozenset({"pages", "clock ahead, newest result"})
"""No fault; and one of Observations alone, which the table tries."""

_NAMES = sorted(KINDS.keys() - LEFT_OUT)
_MOST_KEPT = 20


@dataclass(frozen=True)
class Called:
    """One call: whose chart, what was planted, what it came to."""

    truth: Truth
    token: str
    came_to: CameTo


class Planted:
    """The plan of a proxy: a fault for so many of the requests, drawn anew for each.

    ``met``: the queries of each caller that met one.
    """

    def __init__(self, seed: int = SEED, share: float = SHARE) -> None:
        self.seed, self.share, self.counts, self.posts = seed, share, Counter[str](), Counter[str]()
        self.met: defaultdict[str, set[str]] = defaultdict(set)

    def __call__(self, asked: Asked) -> Fault:
        """The fault that a request meets; by caller, request and how often it came."""
        drawn = random.Random(f"{self.seed}/{asked.caller}/{asked.searched}/{asked.number}")  # noqa: S311 (no secret)
        name = drawn.choice(_NAMES) if drawn.random() < self.share else "none"
        self.counts[name] += 1
        if asked.method == "POST":
            self.posts["none" if name == "none" else "fault"] += 1
        if name != "none":
            self.met[asked.caller].add(key_of(asked))
        return KINDS.get(name, passed)


def faults(calls: int = CALLS, seed: int = SEED) -> dict[str, Any]:
    """Answers by kind, what was wrong with them, and the times in milliseconds."""
    model, planted = load_predictor(), Planted(seed)
    with upstream() as server, everything_logged() as log, listening(Heard(http(b"{}"))) as (elsewhere, visitors):
        truths = [true_of(charted(patient, server.base), server.base, model) for patient in demo_patients()]
        with proxied(server.base, planted) as proxy:
            proxy.elsewhere = elsewhere.removesuffix("/fhir")
            called = _all_called(proxy.base, truths, model, calls)
    judged = [(one, *outcome_of(one.came_to, one.truth, model, frozenset(planted.met[one.token]))) for one in called]
    wrong = [f"{one.token}: {text}" for one, _, found in judged for text in found]
    patients = [truth.chart.id for truth in truths]
    out = leaks(log.getvalue(), *patients) + [text for one in called for text in leaks(json.dumps(one.came_to.body))]
    return {
        "server": server.name,
        "seed": seed,
        "calls": len(called),
        "requests": planted.counts.total(),
        "faults": planted.counts.total() - planted.counts["none"],
        "by_post": planted.posts.total(),
        "by_post_faults": planted.posts["fault"],
        "answers": dict(sorted(Counter(kind for _, kind, _ in judged).items())),
        "wrong": len(wrong),
        "wrong_first": wrong[:_MOST_KEPT],
        "leaked": len(out),
        "other_hosts_asked": len(visitors),
        "refused_for": dict(Counter(filter(None, map(_reason, called))).most_common(_MOST_KEPT)),
        "milliseconds": _times([one.came_to.milliseconds for one in called]),
        "by_fault": dict(sorted(planted.counts.items())),
    }


def _all_called(base: str, truths: Sequence[Truth], model: Any, calls: int) -> list[Called]:
    """Every call, in the order of its number; each caller has the service and its connections to itself.

    Every second posts its long searches, as HAPI's profile lets a site of many local codes do.
    """

    def caller(first: int) -> list[Called]:
        service, begun = Caller(base, model, posts=first % 2 == 0), time.monotonic()
        found = []
        for turn, number in enumerate(range(first, calls, CALLERS)):
            time.sleep(max(0.0, begun + (turn + first / CALLERS) * EVERY_S - time.monotonic()))
            truth, token = truths[number % len(truths)], f"{TOKEN}{number}"
            found.append(Called(truth, token, service.call(truth.chart, token)))
        return found

    with ThreadPoolExecutor(CALLERS) as pool:
        return [one for found in pool.map(caller, range(CALLERS)) for one in found]


def _reason(one: Called) -> str:
    """Why a call was refused, without the query; nothing where it was not."""
    if one.came_to.status == 200:
        return ""
    said = str(one.came_to.body.get("issue", [{}])[0].get("diagnostics", ""))
    return said.rpartition("not in prefetch, and ")[2]


def _times(times: Sequence[float]) -> dict[str, float]:
    """The distribution, and how many took longer than a call may."""
    ordered, deadline = sorted(times), Settings(mode="demo").deadline_ms
    at = {f"p{share}": ordered[min(len(ordered) - 1, len(ordered) * share // 100)] for share in (50, 95, 99)}
    late = sum(taken > deadline + 1000 for taken in ordered)
    return {"deadline": deadline, **at, "slowest": ordered[-1], "over_deadline_and_1_s": late}
