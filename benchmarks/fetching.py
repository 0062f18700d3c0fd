"""How long a chart open takes that fetches everything from HAPI FHIR, with the shipped model."""

from statistics import median
from typing import Any

import requests

from cds_service.demo.patients import as_of, demo_patient
from models.predictor import load_predictor
from tests.integration.asking import AS_OF
from tests.integration.charts import monitored, resources
from tests.integration.fault_calls import TOKEN, Caller, charted, upstream
from tests.integration.fault_truth import Chart

CALLS, _WARM = 100, 20


def fetching() -> dict[str, Any]:
    """p50 and p95 in milliseconds of calls without prefetch, by chart, after some that warm up."""
    with upstream() as server:
        caller = Caller(server.base, load_predictor())
        charts = [charted(demo_patient(name), server.base) for name in ("flagged", "not-flagged", "no-stroke")]
        timed = {chart.id.removeprefix("endwatch-faults-"): _timed(caller, chart) for chart in charts}
        return {"server": server.name, **timed, "900 observations": _timed(caller, _large(server.base))}


def _large(base: str) -> Chart:
    """A patient who was monitored for 40 hours."""
    id_ = "endwatch-fetching"
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in resources(monitored(id_))
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "timestamp": AS_OF.isoformat(), "entry": entries}
    headers = {"Content-Type": "application/fhir+json"}
    requests.post(base, json=bundle, headers=headers, timeout=120).raise_for_status()
    return Chart(id_, bundle, as_of(bundle))


def _timed(caller: Caller, chart: Chart) -> dict[str, float]:
    """The times of one chart. Raises `RuntimeError` where a call fails, or does not read all."""
    found = [caller.call(chart, TOKEN) for _ in range(_WARM + CALLS)][_WARM:]
    if (
        any(one.status != 200 for one in found)
        or len({str([card["detail"] for card in one.cards]) for one in found}) > 1
    ):
        raise RuntimeError(f"{chart.id}: not every call was answered, and all alike")
    times = sorted(one.milliseconds for one in found)
    return {"p50": round(median(times), 1), "p95": round(times[int(CALLS * 0.95)], 1), "calls": CALLS}
