"""The page of recent calls, in demo and test mode: what became of each, since EHRs show no more than "no response"."""

from importlib.resources import files

from flask import Blueprint, Response, jsonify, render_template

from cds_service.record.recent_calls import MOST_KEPT, RecentCalls


def blueprint(calls: RecentCalls) -> Blueprint:
    """``/calls``, its twin ``/calls.json``, and the style sheet of all pages."""
    pages = Blueprint("calls", __name__, template_folder="templates")

    @pages.get("/calls")
    def page() -> Response:
        return _fresh(Response(render_template("calls.html", calls=calls.latest(), most=MOST_KEPT)))

    @pages.get("/calls.json")
    def twin() -> Response:
        return _fresh(jsonify({"calls": calls.latest()}))

    @pages.get("/style.css")
    def style() -> Response:
        return Response((files("cds_service") / "demo/static/style.css").read_bytes(), mimetype="text/css")

    return pages


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
