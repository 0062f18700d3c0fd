"""How long a chart open takes, with the shipped model and the embedded FHIR server."""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from statistics import median
from typing import Any
from uuid import uuid4

from cds_service.app import create_app
from cds_service.demo.load import load
from cds_service.demo.patients import demo_patient, request_for, shift
from cds_service.demo.server import embedded_server
from cds_service.outbound.session import new_session
from cds_service.settings import FhirServer, Settings

CALLS = 60


def latency() -> dict[str, Any]:
    """p50 and p95 in milliseconds of warm calls, and the seconds of a cold start and of ``--help``."""
    now = datetime.now(UTC)
    with new_session() as session, embedded_server(session) as base:
        settings = Settings(mode="test", fhir_servers=(FhirServer(base=base, auth="none"),))
        for _ in load(base, settings, session, now):
            pass
        begun = time.perf_counter()
        service = create_app(settings, session=session).test_client()
        cold_s = time.perf_counter() - begun

        def opened(name: str, *, prefetch: bool) -> Callable[[], float]:
            patient = demo_patient(name)
            body = request_for(patient, shift(patient.bundle, now), with_prefetch=prefetch, fhir_server=base)

            def once() -> float:
                begun = time.perf_counter()
                answer = service.post("/cds-services/end-risk", json=body | {"hookInstance": str(uuid4())})
                if answer.status_code != 200:
                    raise RuntimeError(f"{name}: {answer.status_code}")
                return (time.perf_counter() - begun) * 1000

            return once

        return {
            "create_app_s": round(cold_s, 2),
            "help_s": round(_help_s(), 2),
            "prefetch_ms": _timed(opened("flagged", prefetch=True)),
            "fetching_ms": _timed(opened("flagged", prefetch=False)),
            "no_stroke_fetching_ms": _timed(opened("no-stroke", prefetch=False)),
        }


def _timed(once: Callable[[], float]) -> dict[str, float]:
    once()
    times = sorted(once() for _ in range(CALLS))
    return {"p50": round(median(times), 1), "p95": round(times[int(CALLS * 0.95)], 1), "calls": CALLS}


def _help_s() -> float:
    def once() -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "cds_service.cli", "--help"], check=True, capture_output=True)
        return time.perf_counter() - begun

    return median(once() for _ in range(5))
