"""One call without a server: a demo patient or a request file, at the moment that is asked for."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cds_service.app import create_app
from cds_service.demo.patients import as_of as moment_of
from cds_service.demo.patients import demo_patient, request_for
from cds_service.hooks.services import SERVICE_ID
from cds_service.settings import Settings
from fhir_mappings.windows import instant
from models.prediction import Predicts


class Refused(ValueError):
    """The request cannot be replayed, or the service refused it; says why."""


def replay(what: str, as_of: str | None = None, *, predictor: Predicts | None = None) -> dict[str, Any]:
    """The response to a demo patient's or a file's request. Raises `Refused` or `UnknownPatient`.

    Nothing is fetched: the prefetch is all there is. A file is replayed at ``as_of``, else now.
    """
    moment = instant(as_of) if as_of else None
    if as_of and moment is None:
        raise Refused(f"--as-of {as_of} is no FHIR time")
    if what.endswith(".json"):
        asked, own = _from_file(Path(what)), datetime.now(UTC)
    else:
        patient = demo_patient(what)
        bundle = patient.bundle
        asked, own = request_for(patient, bundle), moment_of(bundle)
    moment = moment or own
    settings = Settings(mode="demo", host="127.0.0.1", audit_log=None, prediction_key=None)  # nothing is kept of it
    app = create_app(settings, predictor=predictor, clock=lambda: moment, live=False)
    response = app.test_client().post(f"/cds-services/{SERVICE_ID}", json=asked)
    answer: dict[str, Any] = response.get_json()
    if response.status_code != 200:
        raise Refused(f"{response.status_code}: {answer['issue'][0]['diagnostics']}")
    return answer


def _from_file(path: Path) -> dict[str, Any]:
    try:
        asked: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise Refused(f"{path} is not JSON") from None
    return asked
