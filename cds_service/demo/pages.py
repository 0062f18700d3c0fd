"""The demo's pages: the patients, and for each what a chart open shows."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from flask import Blueprint, Flask, abort, render_template, request
from markdown_it import MarkdownIt

from cds_service.demo.patients import DemoPatient, UnknownPatient, demo_patient, demo_patients, request_for, shift
from cds_service.hooks.services import SERVICE_ID
from cds_service.settings import Settings

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


def blueprint(settings: Settings, app: Flask) -> Blueprint:
    """The landing page and one page a patient."""
    pages = Blueprint("demo", __name__, template_folder="templates")
    fhir = settings.fhir_servers[0].base if settings.fhir_servers else None

    @pages.get("/")
    def landing() -> str:
        rows = [(patient, _answer(app, _call(patient, fhir, with_prefetch=False))) for patient in demo_patients()]
        return render_template("landing.html", rows=[_row(patient, answer) for patient, answer in rows], fhir=fhir)

    @pages.get("/demo/<id_>")
    def chart(id_: str) -> str:
        try:
            patient = demo_patient(id_)
        except UnknownPatient:
            abort(404)
        asked = _call(patient, fhir, with_prefetch="prefetch" in request.args)
        answer = _answer(app, asked)
        cards = [{**card, "html": _MARKDOWN.render(card["detail"])} for card in answer.get("cards", ())]
        return render_template(
            "chart.html",
            patient=patient,
            cards=cards,
            failed="cards" not in answer,
            asked=json.dumps(asked, indent=2),
            answer=json.dumps(answer, indent=2, ensure_ascii=False),
        )

    return pages


def _call(patient: DemoPatient, fhir: str | None, *, with_prefetch: bool) -> dict[str, Any]:
    """A fresh chart open: from prefetch, or with the embedded FHIR server to read from."""
    bundle = shift(patient.bundle, datetime.now(UTC))
    asked = request_for(patient, bundle, with_prefetch=with_prefetch or fhir is None, fhir_server=fhir)
    return asked | {"hookInstance": str(uuid4())}


def _answer(app: Flask, asked: dict[str, Any]) -> dict[str, Any]:
    """What the service answers, through its own route."""
    response = app.test_client().post(f"/cds-services/{SERVICE_ID}", json=asked)
    answer: dict[str, Any] = response.get_json()
    return answer


def _row(patient: DemoPatient, answer: dict[str, Any]) -> dict[str, str]:
    cards = answer.get("cards")
    if cards is None:
        shown, indicator = "the call failed", "critical"
    else:
        shown = cards[0]["summary"] if cards else "no card: outside the intended population"
        indicator = cards[0]["indicator"] if cards else "none"
    return {"id": patient.id, "story": patient.story, "summary": shown, "indicator": indicator}
