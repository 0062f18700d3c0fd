"""The other service behind a real socket."""

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any
from uuid import uuid4

from flask import Flask, Response, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.check.other_service import DISCOVERY, ID, ORIGIN, Other
from tests.check.other_trust import PREFIX, Fault, Refused


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Nothing."""


@contextmanager
def listening(app: Any, port: int = 0) -> Iterator[str]:
    """The root URL of a running WSGI application."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def other(fault: Fault | None = None, public: Any = None) -> Iterator[str]:
    """The base URL of the other service with a fault; with the EHR's public key it demands tokens."""
    service = Other(fault or Fault(), public)
    with listening(app_of(service)) as root:
        service.root = root
        yield f"{root}{PREFIX}"


def app_of(service: Other) -> Flask:
    """Its routes."""
    app = Flask(__name__)
    _add_discovery(app, service)
    _add_calls(app, service)
    app.register_error_handler(Refused, lambda error: _error(service, error.status, error.why))
    for status in (404, 405):
        app.register_error_handler(status, lambda error: _error(service, error.code))
    app.after_request(lambda answer: _for_browsers(service, answer))
    return app


def _add_discovery(app: Flask, service: Other) -> None:
    @app.get(f"{PREFIX}/{'services' if service.has('elsewhere') else 'cds-services'}")
    def discovery() -> Any:
        service.trust("/cds-services")
        if service.has("no discovery with a token") and "Authorization" in request.headers:
            raise Refused(500)
        shown = copy.deepcopy(DISCOVERY)
        if service.fault.discovery:
            service.fault.discovery(shown)
        if service.has("text/plain"):
            return Response(jsonify(shown).data, content_type="text/plain")
        return (jsonify(shown), 203) if service.has("203") else jsonify(shown)


def _add_calls(app: Flask, service: Other) -> None:
    @app.route(f"{PREFIX}/cds-services/{ID}", methods=["PUT" if service.has("PUT") else "POST"])
    def call() -> Any:
        service.trust(f"/cds-services/{ID}")
        if service.has("hangs") or (service.has("hangs later") and service.seen):
            time.sleep(1)
        return jsonify(service.call(service.body()))

    @app.post(f"{PREFIX}/cds-services/{ID}/feedback")
    def feedback() -> Any:
        service.trust(f"/cds-services/{ID}/feedback")
        service.feedback(service.body())
        if service.has("feedback in words"):
            return Response("Thank you", content_type="text/plain")
        return Response(status=500 if service.has("feedback 500") else 200)

    @app.post(f"{PREFIX}/cds-services/check-no-such-service")
    def other_id() -> Any:
        return jsonify({"cards": []}) if service.has("any service") else _error(service, 404)


def _for_browsers(service: Other, answer: Response) -> Response:
    answer.status_code = 200 if request.method == "OPTIONS" else answer.status_code
    if request.headers.get("Origin") == ORIGIN and not _left_out(service, answer):
        answer.headers["Access-Control-Allow-Origin"] = ORIGIN
        allowed = "Content-Type" if service.has("cors headers") else "Authorization, Content-Type"
        answer.headers["Access-Control-Allow-Headers"] = allowed
        answer.headers["Access-Control-Allow-Methods"] = "GET" if service.has("cors methods") else "GET, POST"
    return answer


def _left_out(service: Other, answer: Response) -> bool:
    return service.has("no cors") or (service.has("cors on success") and answer.status_code >= 400)


def _error(service: Other, status: int, why: str = "") -> Any:
    if status == 401:
        return _unauthorized(service, why)
    if service.has("errors for people"):
        return Response("<h1>Something went wrong</h1>", status, content_type="text/html")
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid"}]}
    return jsonify({"error": "no"} if service.has("plain errors") else outcome), status


def _unauthorized(service: Other, why: str) -> Response:
    """Bare, or with what is planted: the same words for each, others for each, the reason in a header."""
    answer = jsonify({"error": "unauthorized", "requestId": str(uuid4())}) if service.has("401 in JSON") else Response()
    if service.has("401 with detail"):
        answer = jsonify({"error": "unauthorized", "message": "The token's signature or audience is wrong"})
    if service.has("401 that differs"):
        answer = jsonify({"error": "come again" if why == "aud" else "go away"})
    if service.has("401 with a reason"):
        answer.headers["WWW-Authenticate"] = f'Bearer error="invalid_token", error_description="Wrong: {why}"'
    answer.status_code = 401
    return answer
