"""Connections to a FHIR server are kept, however many calls read it at once: each new one costs a TLS handshake."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from cds_service.app import create_app
from cds_service.settings import FhirServer, Settings
from tests import builders as b
from tests.cds_service.test_collect import asked
from tests.cds_service.test_collect import server as chart
from tests.fakes import FakePredictor

CALLS = 4


class _Server(ThreadingHTTPServer):
    """Serves each connection on a thread, and has room for many that come at once."""

    request_queue_size, daemon_threads, block_on_close = 256, True, False


@contextmanager
def counting() -> Iterator[tuple[str, list[Any]]]:
    """The base of a chart's server that answers after 50 ms, and the connections that were made to it."""
    made, held = list[Any](), chart(MedicationStatement=(200, b.searchset()))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            made.append(self.client_address)
            super().setup()

        def do_GET(self) -> None:
            time.sleep(0.05)
            path = urlsplit(self.path).path.removeprefix("/fhir/")
            status, body = held.get(path, (404, {}))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    with _Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/fhir", made
        server.shutdown()
        thread.join(5)


def test_calls_at_once_keep_the_connections_that_they_made():
    """No more are ever made than can be in use at once: calls at once times requests at once."""
    with counting() as (base, made):
        settings = Settings(
            mode="test", calls_at_once=CALLS, deadline_ms=20_000, fhir_servers=(FhirServer(base=base, auth="none"),)
        )
        app = create_app(settings, predictor=FakePredictor(), clock=lambda: b.at(6))

        def status(_: int) -> int:
            body = asked(hookInstance=str(uuid4())) | {"fhirServer": base}
            return app.test_client().post("/cds-services/end-risk", json=body).status_code

        with ThreadPoolExecutor(CALLS) as pool:
            assert {200} == set(pool.map(status, range(4 * CALLS)))
    assert 8 * CALLS >= len(made)
