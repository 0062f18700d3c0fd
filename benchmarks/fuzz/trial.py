"""The trial of all three: calls, calls made from the OpenAPI document, decoders of reports."""

from typing import Any

from benchmarks.fuzz.calls import fuzzed_calls
from benchmarks.fuzz.decoders import fuzzed_decoders
from benchmarks.fuzz.documented import documented_calls

CALLS, DOCUMENTED, DOCUMENTS = 10_000, 2_000, 20_000
"""Requests of each kind, and documents of each content type."""

_SEED = 20260305


def fuzz() -> dict[str, Any]:
    """Counts by status, the slowest, and whatever failed, as a shape without values."""
    return {
        "seed": _SEED,
        "calls": fuzzed_calls(CALLS, seeded=_SEED).told(),
        "documented_calls": documented_calls(DOCUMENTED, seeded=_SEED).told(),
        "decoders": fuzzed_decoders(DOCUMENTS, seeded=_SEED),
    }
