"""Hypothesis over the requests that an EHR makes."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, seed, settings
from werkzeug.test import Client

from benchmarks.fuzz.bodies import Sent, seeds, sent
from benchmarks.fuzz.held import held
from benchmarks.fuzz.signed import header, production
from benchmarks.fuzz.watched import Seen, Watched


def fuzzed_calls(requests: int, *, seeded: int) -> Seen:
    """What became of so many changed requests, those with a token sent to a service in production."""
    with TemporaryDirectory() as folder, Watched() as service, Watched(settings=production(Path(folder))) as strict:
        for path, body in seeds().values():  # tables are read at the first call: no matter of these
            Client(service).post(path, data=body, content_type="application/json")
        service.seen = strict.seen = Seen()

        @seed(seeded)
        @settings(
            max_examples=requests, deadline=None, database=None, phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(sent())
        def call(one: Sent) -> None:
            asked = service if one.token is None else strict
            asked.shape, asked.refusable, asked.fhir.answers = one.shape, bool(one.token), held(one.fetched)
            asked.fhir.asked.clear()
            Client(asked).post(
                one.path,
                data=one.numbered(service.seen.requests),
                content_type=one.content_type,
                headers={} if one.token is None else header(one.path, one.token),
            )

        call()
        return service.seen
