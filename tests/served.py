"""The service behind its real web server on loopback."""

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from cds_service.app import create_app
from cds_service.limits.listening import server_for
from cds_service.settings import FhirServer, Settings
from tests import builders as b
from tests.fakes import BASE, FakeFhir, FakePredictor, session_with


@dataclass(frozen=True)
class Answered:
    """One answer: status, headers, body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@contextmanager
def served(predictor: FakePredictor | None = None, *, request_s: int = 20, **given: Any) -> Iterator[int]:
    """The port of the service in test mode, six hours after a patient's arrival."""
    settings = Settings(mode="test", port=0, fhir_servers=(FhirServer(base=BASE, auth="none"),), **given)
    session = session_with(FakeFhir({}))
    app = create_app(settings, predictor=predictor or FakePredictor(), session=session, clock=lambda: b.at(6))
    server = server_for(app, settings, request_s=request_s)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield int(server.effective_port)
    finally:
        server.task_dispatcher.shutdown()
        server.close()
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        thread.join(5)
        assert not thread.is_alive()


def ask(port: int, method: str, path: str, body: Any = None, **headers: str) -> Answered:
    """The answer to one request on a connection of its own; a body is sent as JSON."""
    data = None if body is None else json.dumps(body).encode()
    sent = ({"Content-Type": "application/json"} if data else {}) | headers
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, data, sent)
        answer = connection.getresponse()
        return Answered(answer.status, dict(answer.headers), answer.read())
