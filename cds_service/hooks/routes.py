"""The HTTP routes of CDS Hooks: discovery, the service, its feedback."""

import logging
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from cds_service.errors import BadRequest, UnknownService, UnsupportedMediaType
from cds_service.hooks.authorization import authorization_notes
from cds_service.hooks.forwarded import forwarded_urls
from cds_service.hooks.identity import call_key
from cds_service.hooks.messages import parse_feedback, parse_request
from cds_service.hooks.services import HOOK, SERVICE_ID, discovery
from cds_service.hooks.trust import Called, Trust
from cds_service.limits.body import read_json
from cds_service.patient_view import patient_view
from cds_service.record.account import Account, CameTo
from cds_service.record.feedback import keep_feedback
from cds_service.service import Service

_LOG = logging.getLogger(__name__)


def blueprint(service: Service, trust: Trust) -> Blueprint:
    """The routes of this service."""
    routes = Blueprint("hooks", __name__)
    base = service.settings.public_base_url.rstrip("/")

    def trusted(path: str) -> str | None:
        urls = (f"{base}{path}", *forwarded_urls(request.environ, path, service.settings))
        called = Called(path, urls, request.get_data, g.account.begun)
        return trust.check(request.headers.get("Authorization"), called)

    @routes.get("/cds-services")
    def discover() -> Response:
        trusted("/cds-services")
        simulated = service.predictor.identity.training_population == "simulated"
        answer = jsonify(discovery(simulated=simulated, site=service.site))
        answer.headers["Cache-Control"] = "max-age=300"
        answer.add_etag()
        answer.make_conditional(request)  # 304 where the caller's If-None-Match names it
        return answer

    @routes.post("/cds-services/<service_id>")
    def call(service_id: str) -> Response:
        account: Account = g.account
        issuer = account.issuer = trusted(f"/cds-services/{service_id}")
        _known(service_id)
        body, raw = _json_body()
        asked = parse_request(body, strict_authorization=service.settings.strict_authorization)
        if noted := authorization_notes(body.get("fhirAuthorization")):
            _LOG.info("fhirAuthorization: %s", " ".join(noted))
        account.hook_instance, account.patient_id = str(asked.hook_instance), asked.context.patient_id
        if asked.hook != HOOK:
            raise BadRequest(f"hook is not offered by {SERVICE_ID}", field="hook")
        key = call_key(asked.hook_instance, raw)
        answer = service.recent.get(key)
        if answer is None:
            answered = patient_view(asked, key, service, begun=account.begun, issuer=issuer)
            account.came_to = answered.came_to
            answer = {"cards": answered.cards}
            service.recent.put(key, answer)
        else:
            account.came_to = CameTo("repeated", "same-call")
        return jsonify(answer)

    @routes.post("/cds-services/<service_id>/feedback")
    def feedback(service_id: str) -> Response:
        account: Account = g.account
        account.issuer = trusted(f"/cds-services/{service_id}/feedback")
        _known(service_id)
        body, _ = _json_body()
        new = keep_feedback(service.store, service_id, parse_feedback(body).feedback)
        account.came_to = CameTo("feedback", f"new-{new}")
        return jsonify({"stored": new})

    return routes


def _known(service_id: str) -> None:
    if service_id != SERVICE_ID:
        raise UnknownService(f"there is no such service; {SERVICE_ID} is offered")


def _json_body() -> tuple[Any, bytes]:
    """The parsed body and its bytes. Raises `UnsupportedMediaType`, `BadRequest` or `TooLarge`."""
    if not request.is_json:
        raise UnsupportedMediaType("Content-Type has to be application/json")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("a compressed body is not read")
    raw = request.get_data()
    return read_json(raw), raw
