"""``endwatch map``: what is read from a chart, what is left out and why, and which codes are unknown."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cds_service.cli import main
from cds_service.mapped.charts import ChartError, from_server
from cds_service.mapped.described import described
from cds_service.mapped.page import page
from fhir_mappings.site import DEFAULT_SITE
from tests import builders as b
from tests.cds_service.test_collect import server
from tests.fakes import BASE, FakeFhir, session_with

STRANGE = {"system": "urn:hospital:flowsheet", "code": "12345", "display": "NIHSS Total Score (flowsheet)"}


def chart(*more: b.Resource) -> list[b.Resource]:
    """A stroke patient with an NIHSS, a glucose, a report, and a code that nobody knows."""
    local = b.observation("x", None, hours=1, id_="flow") | {"code": {"coding": [STRANGE]}, "valueInteger": 9}
    return [
        b.patient(), b.encounter(reason="Left-sided weakness"), b.condition(), b.nihss(9, 1), local,
        b.observation("2345-7", 10, "mmol/L", 1, "glucose"), b.report("FINDINGS: No hemorrhage. Left M1 occlusion."),
        b.observation("1988-5", 5, "furlongs", 1, "crp"), *more,
    ]  # fmt: skip


def written(folder: Path, *resources: b.Resource) -> str:
    """A Bundle of these resources in a file."""
    path = folder / "chart.json"
    path.write_text(json.dumps(b.searchset(*resources)), "utf-8")
    return str(path)


def run(*words: str) -> tuple[int, str]:
    """Exit code and output of the command."""
    result = CliRunner().invoke(main, ["map", *words])
    return result.exit_code, result.output


def as_json(*words: str) -> dict[str, Any]:
    """The JSON twin of the page."""
    code, text = run(*words, "--json")
    assert 0 == code, text
    return json.loads(text)  # type: ignore[no-any-return]


def test_a_bundle_is_shown_with_values_units_sources_and_times(tmp_path: Path):
    """The converted value, what was sent, and where it came from."""
    found = as_json(written(tmp_path, *chart()))
    glucose = next(one for one in found["features"] if one["name"] == "glucose")
    assert 180.16 == pytest.approx(glucose["value"])
    assert ("mg/dL", "10 mmol/L", "Observation/glucose") == (glucose["unit"], glucose["asSent"], glucose["source"])
    assert "inside" == found["eligibility"]["kind"]
    assert [9] == [one["total"] for one in found["nihss"]]
    assert ["Left-sided weakness"] == found["stay"]["reasons"]


def test_what_is_left_out_is_said_with_the_reason(tmp_path: Path):
    """A CRP in furlongs is no CRP."""
    issues = as_json(written(tmp_path, *chart()))["issues"]
    assert ["Observation/crp"] == [one["source"] for one in issues if one["code"] == "unit-unknown"]


def test_unknown_codes_that_may_be_the_nihss_come_first(tmp_path: Path):
    """So that a site can write its ConceptMap."""
    other = b.observation("2524-7", 2, "mmol/L", 1, "lactate", display="Lactate")
    codes = as_json(written(tmp_path, *chart(other)))["unknownCodes"]
    assert [("12345", True, "Observation/flow"), ("2524-7", False, "Observation/lactate")] == [
        (one["code"], one["mayBeNihss"], one["source"]) for one in codes
    ]


def test_a_local_map_makes_the_unknown_code_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Day one: look, write the map, look again."""
    maps = tmp_path / "local_codes"
    maps.mkdir()
    element = {"code": "12345", "target": [{"code": "72089-6", "equivalence": "equivalent"}]}
    group = {"source": STRANGE["system"], "target": b.LOINC, "element": [element]}
    (maps / "nihss.json").write_text(json.dumps({"resourceType": "ConceptMap", "group": [group]}), "utf-8")
    monkeypatch.setenv("ENDWATCH_LOCAL_CODES", str(maps))
    found = as_json(written(tmp_path, *chart()))
    assert [] == found["unknownCodes"]
    assert [9] == [one["total"] for one in found["nihss"]]


def test_a_wrong_map_stops_the_command_with_file_and_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The same sentence as at the start of the service."""
    (tmp_path / "wrong.json").write_text('{"resourceType": "ConceptMap"}', "utf-8")
    monkeypatch.setenv("ENDWATCH_LOCAL_CODES", str(tmp_path))
    code, text = run(written(tmp_path / ".", *chart()))
    assert 1 == code
    assert "ENDWATCH_LOCAL_CODES: " in text


def test_the_page_tells_everything_in_plain_lines(tmp_path: Path):
    """Patient, stay, inputs, NIHSS, findings with their sentences, issues, unknown codes."""
    code, text = run(written(tmp_path, *chart()))
    assert 0 == code
    for said in (
        "Patient/p1", "Arrival", "INPUTS", "10 mmol/L", "END rule: baseline Observation/nihss-1; not met",
        "occlusion present (left,m1)", '"Left M1 occlusion."', "SAID OF THE DATA", "not known for CRP",
        "CODES THAT ARE NOT READ  1; 1 may be the NIHSS", "NIHSS Total Score (flowsheet)",
    ):  # fmt: skip
        assert said in text


def test_a_chart_without_a_stay_is_shown_too(tmp_path: Path):
    """An integrator meets that first."""
    code, text = run(written(tmp_path, b.patient(), b.condition()))
    assert 0 == code
    assert "none found: the time of arrival is unknown" in text


def test_a_transaction_bundle_with_urn_references_is_read(tmp_path: Path):
    """As Synthea writes them."""
    entries = [
        {"fullUrl": "urn:uuid:a", "resource": b.patient()},
        {"fullUrl": "urn:uuid:b", "resource": b.encounter() | {"subject": {"reference": "urn:uuid:a"}}},
    ]
    path = tmp_path / "transaction.json"
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}), "utf-8")
    assert ["Encounter/e1"] == as_json(str(path))["stay"]["encounters"]


def test_another_patient_of_the_same_bundle_is_not_mixed_in(tmp_path: Path):
    """With two Patients one has to be named."""
    path = written(tmp_path, *chart(), b.patient("p2"), b.nihss(20, 2, "foreign", patient="p2"))
    code, text = run(path)
    assert (1, True) == (code, "holds 2 Patients: name one with --patient" in text)
    assert [9] == [one["total"] for one in as_json(path, "--patient", "p1")["nihss"]]


def test_a_chart_is_looked_at_when_its_last_resource_happened_or_when_asked(tmp_path: Path):
    """A report issued at 2 h is not seen at 1.5 h."""
    path = written(tmp_path, *chart())
    assert b.at(2).isoformat() == as_json(path)["asOf"]
    assert [] == as_json(path, "--as-of", b.when(1.5))["reports"]


@pytest.mark.parametrize(
    ("content", "said"),
    [("{", "is not JSON"), ("[]", "is no Bundle"), ('{"resourceType": "Bundle"}', "holds 0 Patients")],
)
def test_what_is_no_chart_is_refused_in_one_sentence(tmp_path: Path, content: str, said: str):
    """Exit code 1 and no trace."""
    path = tmp_path / "x.json"
    path.write_text(content, "utf-8")
    code, text = run(str(path))
    assert 1 == code
    assert said in text


@pytest.mark.parametrize("words", [(), ("--fhir", BASE)])
def test_the_command_says_what_it_needs(words: tuple[str, ...]):
    """A Bundle, or a server and a patient."""
    code, text = run(*words)
    assert 1 == code
    assert "name either" in text or "--fhir needs --patient" in text


def test_a_server_s_patient_is_shown_as_a_call_would_collect_it():
    """And the newest Observations whatever their code, for the codes that are unknown."""
    answers = server()
    local = b.observation("x", None, hours=1, id_="flow") | {"code": {"coding": [STRANGE]}}
    listed = answers["Observation"][1]["entry"] + [{"resource": local}]

    def observations(request: Any) -> tuple[int, Any]:
        everything = "code=" not in request.url and "category=" not in request.url
        return 200, {"resourceType": "Bundle", "entry": listed if everything else listed[:-1]}

    fhir = FakeFhir(answers | {"Observation": observations})
    looked = from_server(BASE, b.PATIENT_ID, DEFAULT_SITE, as_of=b.at(6), session=session_with(fhir), token="t0k")
    found = described(looked, DEFAULT_SITE, live=True)
    assert [9, 9] == [one["total"] for one in found["nihss"]]
    assert ["12345"] == [one["code"] for one in found["unknownCodes"]]
    assert "Observation/flow" in page(found)
    assert {"Bearer t0k"} == {one.headers["Authorization"] for one in fhir.asked}


def test_a_server_without_the_patient_is_told():
    """Which query could not be answered."""
    with pytest.raises(ChartError, match="patient"):
        from_server(BASE, "p9", DEFAULT_SITE, session=session_with(FakeFhir({})))
