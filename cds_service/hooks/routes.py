"""The HTTP routes of CDS Hooks: discovery, the service, its feedback."""

import json
import logging
import time
from typing import Any

from flask import Blueprint, Response, jsonify, request

from cds_service.errors import BadRequest, UnknownService, UnsupportedMediaType
from cds_service.hooks.identity import call_key
from cds_service.hooks.messages import HookRequest, parse_feedback, parse_request
from cds_service.hooks.services import HOOK, SERVICE_ID, discovery
from cds_service.hooks.trust import Trust
from cds_service.outbound.session import not_json
from cds_service.patient_view import patient_view
from cds_service.record.feedback import keep_feedback
from cds_service.service import Service

_LOG = logging.getLogger(__name__)


def blueprint(service: Service, trust: Trust) -> Blueprint:
    """The routes of this service."""
    routes = Blueprint("hooks", __name__)
    base = service.settings.public_base_url.rstrip("/")

    def trusted(path: str) -> str | None:
        return trust.check(request.headers.get("Authorization"), f"{base}{path}")

    @routes.get("/cds-services")
    def discover() -> Response:
        trusted("/cds-services")
        simulated = service.predictor.identity.training_population == "simulated"
        answer = jsonify(discovery(simulated=simulated, site=service.site))
        answer.headers["Cache-Control"] = "max-age=300"
        return answer

    @routes.post("/cds-services/<service_id>")
    def call(service_id: str) -> Response:
        issuer = trusted(f"/cds-services/{service_id}")
        _known(service_id)
        body, raw = _json_body()
        asked = parse_request(body)
        if asked.hook != HOOK:
            raise BadRequest(f"hook is not offered by {SERVICE_ID}", field="hook")
        key = call_key(asked.hook_instance, raw)
        answer = service.recent.get(key)
        if answer is None:
            answer = {"cards": _cards(asked, key, service, issuer)}
            service.recent.put(key, answer)
        return jsonify(answer)

    @routes.post("/cds-services/<service_id>/feedback")
    def feedback(service_id: str) -> Response:
        trusted(f"/cds-services/{service_id}/feedback")
        _known(service_id)
        body, _ = _json_body()
        new = keep_feedback(service.store, service_id, parse_feedback(body).feedback)
        _LOG.info("feedback kept: %d new", new)
        return jsonify({"stored": new})

    return routes


def _cards(asked: HookRequest, key: str, service: Service, issuer: str | None) -> list[dict[str, Any]]:
    """The cards of a call; one that fails stands in the audit too."""
    begun = time.monotonic()
    try:
        return patient_view(asked, key, service, issuer)
    except Exception as error:
        service.audit.write(
            at=service.clock(),
            hook_instance=str(asked.hook_instance),
            kind="failed",
            reason=type(error).__name__,
            milliseconds=(time.monotonic() - begun) * 1000,
        )
        raise


def _known(service_id: str) -> None:
    if service_id != SERVICE_ID:
        raise UnknownService(f"there is no such service; {SERVICE_ID} is offered")


def _json_body() -> tuple[Any, bytes]:
    """The parsed body and its bytes. Raises `UnsupportedMediaType` or `BadRequest`."""
    if not request.is_json:
        raise UnsupportedMediaType("Content-Type has to be application/json")
    raw = request.get_data()
    try:
        return json.loads(raw, parse_constant=not_json), raw
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
