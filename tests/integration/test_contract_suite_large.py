"""Charts that no single page holds: many Observations, many codes, many reports."""

import json
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from fhir_mappings.codes import loincs_for
from models.prediction import Predicts
from tests import builders as b
from tests.integration.asking import Recorder, asked, everything, filled, offered, service, without_uuids
from tests.integration.charts import NOW_H, Chart, monitored, reported, resources, stroke
from tests.integration.expected import demand_same
from tests.integration.servers import Server

LAB = "https://hospital.example/many"


def both(model: Predicts, server: Server, id_: str, chart: Chart) -> tuple[Any, Any, FlaskClient, Recorder]:
    """The chart on the server; the answers from a whole prefetch and from the server, and who gave the latter."""
    server.put(resources(chart))
    recorder = Recorder(model)
    client = service(recorder, server)
    return asked(service(model), id_, prefetch=everything(chart)), asked(client, id_, server=server), client, recorder


def test_of_900_observations_over_60_codes_the_first_and_the_newest_are_used(model: Predicts, server: Server) -> None:
    """Vital signs every 15 minutes for 40 h: the newest page alone does not reach arrival."""
    id_ = "endwatch-monitored"
    chart = monitored(id_)
    held = [raw for raw in resources(chart) if raw["resourceType"] == "Observation"]
    assert 900 == len(held)
    assert 60 <= len({raw["code"]["coding"][0]["code"] for raw in held})
    whole, found, client, recorder = both(model, server, id_, chart)
    demand_same(server.kind, "monitored", "read", whole, found)
    first, latest = recorder.feature("systolic_bp_first"), recorder.feature("systolic_bp_latest")
    pressures = [raw for raw in chart["vitals"] if raw["code"]["coding"][0]["code"] == "85354-9"][:-1]
    assert [f"Observation/{raw['id']}" for raw in (pressures[0], pressures[-1])] == [first.source, latest.source]
    if server.kind != "oracle":
        demand_template_s_card(server, client, id_, whole)


def demand_template_s_card(server: Server, client: FlaskClient, id_: str, whole: Any) -> None:
    """The card of a prefetch made from the templates says what these do not carry."""
    prefetch = filled(offered(client), server, id_)
    demand_same(server.kind, "monitored", "templates", whole, asked(client, id_, prefetch=prefetch))


def test_results_under_any_of_250_local_codes_are_found(model: Predicts, server: Server, tmp_path: Path) -> None:
    """The codes fit into no one URL: the first, one in the middle and the last each name a value."""
    analytes = ("glucose", "creatinine", "crp", "platelets", "inr")
    targets = [next(iter(loincs_for([name]))) for name in analytes]
    elements = [
        {"code": f"L-{number:03}", "target": [{"code": targets[number % 5], "equivalence": "equivalent"}]}
        for number in range(250)
    ]
    group = {"source": LAB, "target": b.LOINC, "element": elements}
    map_ = {"resourceType": "ConceptMap", "status": "active", "group": [group]}
    (tmp_path / "many.json").write_text(json.dumps(map_), "utf-8")
    id_ = "endwatch-many-codes"
    labs = [
        b.observation(code, value, unit, 1, f"{id_}-{code}", system=LAB, patient=id_)
        for code, value, unit in (("L-000", 131, "mg/dL"), ("L-126", 1.1, "mg/dL"), ("L-249", 1.2, "{INR}"))
    ]
    server.put(resources(stroke(id_, labs=labs)))
    recorder = Recorder(model)
    asked(service(recorder, server, local_codes=tmp_path), id_, server=server)
    assert [131, 1.1, 1.2] == [recorder.feature(name).value for name in ("glucose", "creatinine", "inr")]


def test_60_reports_and_the_pdfs_among_them_are_read(model: Predicts, server: Server) -> None:
    """Every twelfth a PDF in a Binary: the newest counts, and both ways of sending give the same card."""
    id_ = "endwatch-reported"
    chart = reported(id_)
    whole, found, _, recorder = both(model, server, id_, chart)
    assert without_uuids(whole) == without_uuids(found)
    inputs = recorder.asked[-1]
    shifts = [inputs.sentences[one.sentence] for one in inputs.findings if one.name == "midline_shift"]
    assert [f"DiagnosticReport/{id_}-report-last"] == [one.report for one in shifts]
    assert NOW_H * 3600 > (shifts[0].effective - b.T0).total_seconds()
