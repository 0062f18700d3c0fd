"""The Flask application: routes, health, errors, CORS."""

import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from flask import Flask, Response, g, jsonify
from flask_cors import CORS
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from cds_service.errors import BadRequest, CdsError, NotAuthenticated, TooLarge, UnknownService, operation_outcome
from cds_service.hooks import routes
from cds_service.hooks.identity import RecentAnswers
from cds_service.hooks.trust import Trust
from cds_service.outbound.session import Session, new_session
from cds_service.record.audit import Audit
from cds_service.record.store import open_store
from cds_service.service import Service
from cds_service.settings import Settings, SettingsError, start_faults
from cds_service.site import site_of
from fhir_mappings.units import warm_up
from models.prediction import Predicts

_LOG = logging.getLogger(__name__)
Application = Flask
"""The application's type, for callers that know no framework."""

SANDBOX_ORIGIN = "https://sandbox.cds-hooks.org"


def now() -> datetime:
    """The moment, aware."""
    return datetime.now(UTC)


def create_app(
    settings: Settings,
    *,
    predictor: Predicts | None = None,
    session: Session | None = None,
    clock: Callable[[], datetime] = now,
    live: bool = True,
) -> Flask:
    """The service as the settings say, with its model loaded.

    Raises `SettingsError` naming the first setting that keeps it from starting.
    """
    predictor = predictor or _shipped(settings)
    if faults := start_faults(settings, predictor.identity.training_population):
        raise SettingsError(faults[0])
    warm_up()  # the first unit that is not in our table would cost a call most of a second
    session = session or new_session()
    store = open_store("sqlite://" if settings.mode != "production" else settings.database_url)
    site = replace(site_of(settings), attachment_seconds=settings.reserve_ms / 1000)  # when fetching has ended
    service = Service(settings, predictor, session, clock, store, Audit(store), RecentAnswers(), site, live)
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.body_limit_mb * 1_000_000
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
    app.register_blueprint(routes.blueprint(service, Trust(settings, session)))
    _add_health(app, service)
    _add_errors(app)
    origins = [*settings.cors_origins, *([SANDBOX_ORIGIN] if settings.mode == "test" else [])]
    CORS(
        app,
        origins=origins,
        allow_headers=["Authorization", "Content-Type"],
        methods=["GET", "POST"],
        expose_headers=["X-Request-Id"],
        allow_private_network=settings.mode == "test",  # Chrome asks before an https page calls loopback
    )
    if settings.mode == "demo":
        from cds_service.demo import pages  # only the demo has pages, and only it needs their dependencies

        app.register_blueprint(pages.blueprint(settings, app))
    return app


def _shipped(settings: Settings) -> Predicts:
    from models.predictor import load_predictor  # loads torch: seconds

    return load_predictor(settings.artifact, settings.encoder)


def _add_health(app: Flask, service: Service) -> None:
    @app.get("/health")
    def health() -> Response:
        return jsonify({"status": "alive"})

    @app.get("/ready")
    def ready() -> Response:
        return jsonify(readiness(service))


def readiness(service: Service) -> dict[str, Any]:
    """What ``/ready`` tells: the mode, the model, and first of all what its numbers are worth."""
    identity, mode = service.predictor.identity, service.settings.mode
    notes = []
    if identity.training_population == "simulated":
        notes.append("The model is trained on simulated patients: its figures say nothing about real ones.")
    if mode != "production":
        notes.append(f"{mode.capitalize()} mode: not for patient care.")
    return {
        "status": "ready",
        "notes": notes,
        "mode": mode,
        "model": {
            "name": identity.name,
            "version": identity.version,
            "sha256": identity.sha256,
            "trainingPopulation": identity.training_population,
        },
        "warnings": list(getattr(service.predictor, "warnings", ())),
    }


def _add_errors(app: Flask) -> None:
    @app.before_request
    def number() -> None:
        g.request_id = uuid4().hex

    @app.after_request
    def label(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        return response

    @app.errorhandler(CdsError)
    def told(error: CdsError) -> tuple[Response, int]:
        if isinstance(error, NotAuthenticated):
            _LOG.warning("401 %s %s", error.message, g.get("request_id"))
            return Response(status=401), 401  # bare, on purpose
        _LOG.info("%d %s %s", error.status, error.field or "-", g.get("request_id"))
        return jsonify(operation_outcome(error)), error.status

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        return jsonify(operation_outcome(_as_cds(error))), error.code or 500

    @app.errorhandler(Exception)
    def failed(error: Exception) -> tuple[Response, int]:
        frames = "".join(traceback.format_tb(error.__traceback__))  # not its message: it could quote a chart
        _LOG.error("500 %s %s\n%s", type(error).__name__, g.get("request_id"), frames)
        return jsonify(operation_outcome(CdsError("the service failed; the log holds the request id"))), 500


def _as_cds(error: HTTPException) -> CdsError:
    if isinstance(error, RequestEntityTooLarge):
        return TooLarge("the body is over the limit")
    if error.code == UnknownService.status:
        return UnknownService("there is nothing here; discovery is at /cds-services")
    return BadRequest(error.name.lower())
