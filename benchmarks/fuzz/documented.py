"""Schemathesis: calls made from the OpenAPI document, and the answers held against it."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation

from benchmarks.fuzz.watched import Seen, Watched
from tools.openapi import document

Json = dict[str, Any]
Operation = APIOperation[Any, Any, Any, Any]

_LEFT_OUT = (
    "negative_data_rejection",  # members that EHRs send wrong and nobody needs are passed over
    "positive_data_acceptance",  # a call in order whose patient is unknown is 412
)


def documented_calls(requests: int, *, seeded: int, described: Json | None = None) -> Seen:
    """What became of about so many calls made from our document, or another: half of them go against it."""
    schema = schemathesis.openapi.from_dict(described or document())
    with Watched() as service:
        schema.app = service
        for operation in [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]:
            if operation.method == "post":
                for mode in GenerationMode:
                    _try(operation, mode, requests // 4, service, seeded)
            else:
                _try(operation, GenerationMode.POSITIVE, 1, service, seeded)
        return service.seen


def _try(operation: Operation, mode: GenerationMode, calls: int, service: Watched, seeded: int) -> None:
    checks = _checks()
    service.shape = f"{operation.label} {mode.value}"

    @seed(seeded)
    @settings(
        max_examples=calls, deadline=None, database=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(operation.as_strategy(generation_mode=mode))
    def call(case: Case[Any]) -> None:
        try:
            case.call_and_validate(checks=checks)
        except FailureGroup as group:
            for failure in group.exceptions:
                service.seen.faults[f"{getattr(failure, 'title', type(failure).__name__)}: {service.shape}"] += 1

    call()


def _checks() -> list[Any]:
    load_all_checks()
    return [CHECKS.get_one(name) for name in CHECKS.get_all_names() if name not in _LEFT_OUT]
