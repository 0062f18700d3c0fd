"""The Flask application: routes, health, errors, CORS."""

import logging
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from flask import Flask, Response, g, jsonify, request
from flask_cors import CORS
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge

from cds_service.backend.keys import public_set, signing_keys
from cds_service.backend.tokens import access_tokens
from cds_service.cards.chosen import style_of
from cds_service.errors import BadRequest, Busy, CdsError, NotAuthenticated, TooLarge, UnknownService, operation_outcome
from cds_service.fhir_client.fhir_versions import FhirVersions
from cds_service.hooks import routes
from cds_service.hooks.identity import RecentAnswers
from cds_service.hooks.replays import Replays
from cds_service.hooks.trust import Trust
from cds_service.limits.body import OVER_LIMIT
from cds_service.limits.gate import Gate
from cds_service.limits.headers import security_headers
from cds_service.outbound.authorities import authorities_of
from cds_service.outbound.session import Session, new_session
from cds_service.record.account import Account
from cds_service.record.keeping import audit_of, predictions_of, store_of
from cds_service.record.recent_calls import RecentCalls
from cds_service.service import Service
from cds_service.settings import SANDBOX, Settings, SettingsError
from cds_service.site import site_of
from cds_service.starting import start_faults
from fhir_mappings.units import warm_up
from models.prediction import Predicts

_LOG = logging.getLogger(__name__)
Application = Flask
"""The application's type, for callers that know no framework."""

_TOO_LARGE = "the body is over the limit"


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
    versions: FhirVersions | None = None,
) -> Flask:
    """The service as the settings say, with its model loaded.

    ``versions``: what somebody finds out of the FHIR servers meanwhile. Raises `SettingsError` naming the
    first setting that keeps it from starting.
    """
    predictor = predictor or _shipped(settings)
    if faults := start_faults(settings, predictor.identity.training_population):
        raise SettingsError(faults[0])
    warm_up()  # the first unit that is not in our table would cost a call most of a second
    session = session or new_session(authorities=authorities_of(settings), calls=settings.calls_at_once)
    audit, store = audit_of(settings), store_of(settings)
    site = replace(site_of(settings), attachment_seconds=settings.reserve_ms / 1000)  # when fetching has ended
    service = Service(
        settings, predictor, session, clock, store, audit, RecentAnswers(), site, live,
        predictions=predictions_of(settings, store),
        calls=RecentCalls() if settings.mode != "production" else None,
        style=style_of(settings),
        tokens=access_tokens(settings, session),
        versions=versions or FhirVersions(),
    )  # fmt: skip
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.body_limit_mb * 1_000_000
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it
    app.register_blueprint(routes.blueprint(service, Trust(settings, session, Replays(store))))
    _add_health(app, service)
    _add_keys(app, public_set(signing_keys(settings)))
    _add_errors(app)
    _add_limits(app, Gate(settings.calls_at_once))
    _add_records(app, service)
    origins = [*settings.cors_origins, *([SANDBOX] if settings.mode == "test" else [])]
    CORS(
        app,
        origins=origins,
        allow_headers=["Authorization", "Content-Type"],
        methods=["GET", "POST"],
        expose_headers=["X-Request-Id", "Retry-After"],
        always_send=False,  # it would tell every listed page to who sends no Origin
        vary_header=False,  # it is on every answer: discovery may be kept, and must not be kept for another page
        allow_private_network=settings.mode == "test",  # Chrome asks before an https page calls loopback
    )
    if service.calls is not None:
        from cds_service.demo import calls  # demo and test mode only

        app.register_blueprint(calls.blueprint(service.calls))
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
    if (language := service.style.language).code != "en":
        notes.append(f"Cards are in {language.code}: {language.review}.")
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


def _add_keys(app: Flask, keys: Mapping[str, Any]) -> None:
    """Our public keys, for token servers that read them from a URL; nothing where we have none."""
    if not keys["keys"]:
        return

    @app.get("/.well-known/jwks.json")
    def published() -> Response:
        answer = jsonify(keys)
        answer.headers["Cache-Control"] = "max-age=300"
        return answer


def _add_errors(app: Flask) -> None:
    @app.before_request
    def number() -> None:
        g.request_id = uuid4().hex
        g.account = Account(g.request_id, time.monotonic())

    @app.after_request
    def label(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        return response

    @app.errorhandler(CdsError)
    def told(error: CdsError) -> tuple[Response, int]:
        g.account.error = error
        if isinstance(error, NotAuthenticated):
            _LOG.warning("401 %s %s", error.message, g.get("request_id"))
            return Response(status=401), 401  # bare, on purpose
        _LOG.info("%d %s %s", error.status, error.field or "-", g.get("request_id"))
        answer = jsonify(operation_outcome(error))
        if isinstance(error, Busy):
            answer.headers["Retry-After"] = str(error.retry_after_s)
        return answer, error.status

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        g.account.error = _as_cds(error)
        answer = jsonify(operation_outcome(_as_cds(error)))
        answer.headers.extend(_allowed(error))
        return answer, error.code or 500

    @app.errorhandler(Exception)
    def failed(error: Exception) -> tuple[Response, int]:
        g.account.error = error
        frames = "".join(traceback.format_tb(error.__traceback__))  # not its message: it could quote a chart
        _LOG.error("500 %s %s\n%s", type(error).__name__, g.get("request_id"), frames)
        return jsonify(operation_outcome(CdsError("the service failed; the log holds the request id"))), 500


def _add_limits(app: Flask, gate: Gate) -> None:
    @app.before_request
    def enter() -> None:
        """A body that was too large is told; a call takes its place, and health and discovery need none."""
        if OVER_LIMIT in request.environ:
            raise TooLarge(_TOO_LARGE)
        if request.method == "POST":
            with ExitStack() as place:
                place.enter_context(gate.place())
                g.place = place.pop_all()

    @app.teardown_request
    def leave(_: BaseException | None) -> None:
        if (place := g.pop("place", None)) is not None:
            place.close()

    @app.after_request
    def secure(response: Response) -> Response:
        for name, value in security_headers(response.mimetype).items():
            response.headers.setdefault(name, value)
        response.vary.add("Origin")
        return response


def _add_records(app: Flask, service: Service) -> None:
    @app.after_request
    def keep(response: Response) -> Response:
        """One line a call, whatever became of it; discovery is no call."""
        if "/cds-services/" in request.path and request.method != "OPTIONS":
            call = g.account.closed(service.clock(), response.status_code)
            service.audit.write(call)
            if service.calls is not None:
                service.calls.add(call)
        return response


def _allowed(error: HTTPException) -> dict[str, str]:
    """The header that 405 has to have (RFC 9110, 15.5.6)."""
    methods = error.valid_methods if isinstance(error, MethodNotAllowed) else None
    return {"Allow": ", ".join(sorted(methods))} if methods else {}


def _as_cds(error: HTTPException) -> CdsError:
    if isinstance(error, RequestEntityTooLarge):
        return TooLarge(_TOO_LARGE)
    if error.code == UnknownService.status:
        return UnknownService("there is nothing here; discovery is at /cds-services")
    return BadRequest(error.name.lower())
