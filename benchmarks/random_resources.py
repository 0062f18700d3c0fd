"""10,000 random FHIR-shaped resources through the pipeline: whatever arrives ends in facts and issues."""

import time
from collections import Counter
from traceback import extract_tb
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks.mapping import chart as usual_chart
from fhir_mappings.chart import RawChart
from fhir_mappings.site import DEFAULT_SITE, Site
from fhir_mappings.units import warm_up
from tests.fhir_mappings.fhir_shaped import charts, sites
from tests.fhir_mappings.test_fhir_shaped import exercised

RESOURCES = 10_000


def random_resources() -> dict[str, Any]:
    """How many resources were read to how many facts and issues, and where exceptions arose (nowhere)."""
    warm_up()
    exercised(usual_chart(), DEFAULT_SITE, live=True)
    counts: Counter[str] = Counter()
    raised: Counter[str] = Counter()
    slowest_s = 0.0

    @seed(20260302)
    @settings(
        max_examples=RESOURCES,
        deadline=None,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(charts(most=1), sites, st.booleans())
    def read(chart: RawChart, site: Site, live: bool) -> None:
        nonlocal slowest_s
        counts["resources"] += len(chart.resources["held"])
        begun = time.process_time()
        try:
            snapshot = exercised(chart, site, live=live)
        except Exception as error:  # whatever it is: this trial counts them
            raised[_where(error)] += 1
            return
        slowest_s = max(slowest_s, time.process_time() - begun)
        counts["issues"] += len(snapshot.issues)
        counts["facts"] += len(snapshot.measurements) + len(snapshot.nihss) + len(snapshot.reports)
        counts["facts"] += len(snapshot.diagnoses) + len(snapshot.treatments)

    begun = time.perf_counter()
    read()
    return {
        **counts,
        "seconds": round(time.perf_counter() - begun, 1),
        "slowest_ms": round(slowest_s * 1000, 1),
        "exceptions": raised.total(),
        "raised": dict(raised),
    }


def _where(error: Exception) -> str:
    """The kind of an exception and the last line of ours that it came through."""
    ours = [frame for frame in extract_tb(error.__traceback__) if "/fhir_mappings/" in frame.filename]
    return (
        f"{type(error).__name__} in {ours[-1].filename.rsplit('/', 1)[-1]}:{ours[-1].lineno}" if ours else repr(error)
    )
