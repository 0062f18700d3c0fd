"""Hypothesis over the requests that an EHR makes."""

from hypothesis import HealthCheck, Phase, given, seed, settings
from werkzeug.test import Client

from benchmarks.fuzz.bodies import Sent, seeds, sent
from benchmarks.fuzz.held import held
from benchmarks.fuzz.watched import Seen, Watched


def fuzzed_calls(requests: int, *, seeded: int) -> Seen:
    """What became of so many changed requests."""
    with Watched() as service:
        client = Client(service)
        for path, body in seeds().values():  # tables are read at the first call: no matter of these
            client.post(path, data=body, content_type="application/json")
        service.seen = Seen()

        @seed(seeded)
        @settings(
            max_examples=requests, deadline=None, database=None, phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(sent())
        def call(one: Sent) -> None:
            service.shape, service.fhir.answers = one.shape, held(one.fetched)
            service.fhir.asked.clear()
            client.post(one.path, data=one.numbered(service.seen.requests), content_type=one.content_type)

        call()
        return service.seen
