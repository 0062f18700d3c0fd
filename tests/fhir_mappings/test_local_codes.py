"""A site's own codes: found by the queries, translated before reading, and refused where they are wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from fhir_mappings.chart import RawChart
from fhir_mappings.local_codes import NO_SYSTEM, LocalCodeError, LocalCodes, load_local_codes, translated
from fhir_mappings.pipeline import snapshot_from
from fhir_mappings.queries import clinical_queries, own_searches, templates
from fhir_mappings.site import Site
from tests import builders as b
from tests.builders import LOINC, PATIENT_ID, at

SITE_SYSTEM = "urn:hospital:lab"


def concept_map(
    *rows: tuple[str, str], source: str = SITE_SYSTEM, target: str = LOINC, **change: Any
) -> dict[str, Any]:
    """A ConceptMap with one element a (code, target code)."""
    elements = [
        {"code": code, "display": f"local {code}", "target": [{"code": meant, "equivalence": "equivalent"} | change]}
        for code, meant in rows
    ]
    return {
        "resourceType": "ConceptMap", "status": "active",
        "group": [{"source": source, "target": target, "element": elements}],
    }  # fmt: skip


def loaded(folder: Path, *maps: dict[str, Any]) -> LocalCodes:
    """The local codes of a folder with these maps."""
    for number, one in enumerate(maps):
        (folder / f"map-{number}.json").write_text(json.dumps(one, indent=2), "utf-8")
    return load_local_codes(folder)


def chart(*observations: dict[str, Any], **more: tuple[dict[str, Any], ...]) -> RawChart:
    """A stroke patient's chart with these Observations."""
    held = {"patient": (b.patient(),), "encounters": (b.encounter(),), "conditions": (b.condition(),)}
    return RawChart(PATIENT_ID, {**held, "labs": observations, **more})


def test_a_local_code_is_measured_as_what_it_means(tmp_path: Path) -> None:
    """The value counts, and its source stays the chart's resource."""
    local = loaded(tmp_path, concept_map(("GLU", "2345-7")))
    raw = b.observation("GLU", 180, "mg/dL", 1, "g1", system=SITE_SYSTEM)
    snapshot = snapshot_from(chart(raw), at(2), site=Site(local_codes=local))
    assert [("glucose", 180.0, "Observation/g1")] == [
        (one.analyte, one.value, one.source) for one in snapshot.measurements
    ]
    assert () == snapshot_from(chart(raw), at(2)).measurements


def test_a_loinc_code_that_is_not_ours_can_be_mapped(tmp_path: Path) -> None:
    """18262-6 is LDL by direct assay: a site may say that it counts as LDL."""
    site = Site(local_codes=loaded(tmp_path, concept_map(("18262-6", "13457-7"), source=LOINC)))
    snapshot = snapshot_from(chart(b.observation("18262-6", 100, "mg/dL", 1)), at(2), site=site)
    assert [("ldl", 100.0)] == [(one.analyte, one.value) for one in snapshot.measurements]


def test_a_code_without_a_system_can_be_mapped(tmp_path: Path) -> None:
    """Some servers send codes bare; a group whose source says so translates them."""
    local = loaded(tmp_path, concept_map(("NIHSS", "72089-6"), source=NO_SYSTEM))
    raw = b.nihss(9, 1) | {"code": {"coding": [{"code": "NIHSS "}]}}
    snapshot = snapshot_from(chart(raw), at(2), site=Site(local_codes=local))
    assert [9] == [score.total for score in snapshot.nihss]
    assert ("|NIHSS",) == local.searched("nihss")


def test_local_answers_linkids_drugs_and_procedures_are_translated(tmp_path: Path) -> None:
    """Wherever a coding stands, and for a form its linkIds under the questionnaire's URL."""
    local = loaded(
        tmp_path,
        concept_map(("arm-un", "LA18461-6")),
        concept_map(("tot", "72089-6"), source="http://hospital.example/Questionnaire/nihss"),
        concept_map(("EVT", "397046001"), target=b.SNOMED, source="urn:hospital:procedure"),
    )
    answer = {"valueCodeableConcept": {"coding": [{"system": SITE_SYSTEM, "code": "arm-un"}]}}
    form = {"questionnaire": "http://hospital.example/Questionnaire/nihss|1.2", "item": [{"linkId": "tot"}]}
    done = {"code": {"coding": [{"system": "urn:hospital:procedure", "code": "EVT"}]}}
    assert {"system": LOINC, "code": "LA18461-6"} in translated(answer, local)["valueCodeableConcept"]["coding"]
    assert "72089-6" == translated(form, local)["item"][0]["linkId"]
    assert {"system": b.SNOMED, "code": "397046001"} in translated(done, local)["code"]["coding"]


def test_a_decision_against_thrombectomy_can_have_a_local_code(tmp_path: Path) -> None:
    """As a Procedure or as an Observation it counts as decided against; ``false`` does not."""
    local = loaded(tmp_path, concept_map(("NO-EVT", "thrombectomy-declined"), target="urn:endwatch:decision"))
    said = b.observation("NO-EVT", None, hours=1, id_="d1", system=SITE_SYSTEM)
    site = Site(local_codes=local)
    for value, states in ((True, ["not_done"]), (False, [])):
        snapshot = snapshot_from(chart(said | {"valueBoolean": value}), at(2), site=site)
        assert states == [one.state for one in snapshot.treatments]
    declined = b.procedure("NO-EVT", system=SITE_SYSTEM)
    snapshot = snapshot_from(chart(procedures=(declined,)), at(2), site=site)
    assert [("thrombectomy", "not_done")] == [(one.kind, one.state) for one in snapshot.treatments]


def test_the_chart_s_own_coding_stays(tmp_path: Path) -> None:
    """A meaning is added beside it, once, and nothing is changed in place."""
    local = loaded(tmp_path, concept_map(("GLU", "2345-7")))
    raw = b.observation("GLU", 180, "mg/dL", system=SITE_SYSTEM)
    twice = translated(translated(raw, local), local)
    assert [{"system": SITE_SYSTEM, "code": "GLU"}, {"system": LOINC, "code": "2345-7"}] == twice["code"]["coding"]
    assert [{"system": SITE_SYSTEM, "code": "GLU"}] == raw["code"]["coding"]


def test_local_codes_join_the_searches_and_the_templates_under_a_new_key(tmp_path: Path) -> None:
    """So a local code is found, not only mapped; the standard keys keep their queries."""
    site = Site(local_codes=loaded(tmp_path, concept_map(("GLU", "2345-7"), ("NIH", "72089-6"), ("HR", "8867-4"))))
    queries = {query.key: query for query in clinical_queries(site)}
    for key, token in (("labs", f"{SITE_SYSTEM}|GLU"), ("nihss", f"{SITE_SYSTEM}|NIH")):
        searches = own_searches(queries[key], PATIENT_ID, t0=at(0), as_of=at(1))
        assert any(token in dict(search.params)["code"].split(",") for search in searches)
    offered = templates(site)
    assert "nihss" not in offered
    (key,) = [key for key in offered if key.startswith("nihss-")]
    assert f"{SITE_SYSTEM}|NIH" in offered[key]
    assert {**templates()}["vitals"] == offered["vitals"]  # by category: it brings local codes anyway


def test_a_changed_map_changes_the_key(tmp_path: Path) -> None:
    """A key's query never changes."""
    one = templates(Site(local_codes=loaded(tmp_path, concept_map(("A", "2345-7")))))
    other = templates(Site(local_codes=loaded(tmp_path, concept_map(("B", "2345-7")))))
    assert set(one) != set(other)


def test_a_site_searches_by_category_where_it_says_so() -> None:
    """For text fallbacks and faulty systems no list of codes would find what is there."""
    queries = {query.key: query for query in clinical_queries(Site(by_category={"labs": "laboratory"}))}
    (search,) = own_searches(queries["labs"], PATIENT_ID, t0=at(0), as_of=at(1))
    assert ("category", "laboratory") in search.params
    assert "code" not in dict(search.params)
    assert "category=laboratory" in queries["labs"].template


FAULTS: list[tuple[str, Any, int, str]] = [
    ("no map", {"resourceType": "ValueSet"}, 1, "not a ConceptMap"),
    ("no groups", {"resourceType": "ConceptMap"}, 1, "group is missing or empty"),
    ("read already", concept_map(("2160-0", "2345-7"), source=LOINC), 10, "http://loinc.org|2160-0 is read as it is"),
    ("unread target", concept_map(("a", "2524-7")), 14, "http://loinc.org|2524-7 is no code that endwatch reads"),
    ("blank", concept_map(("a ", "2345-7")), 10, "code has to be a text without blanks around it"),
    ("not the same", concept_map(("a", "2345-7"), equivalence="narrower"), 15, "narrower does not say"),
    (
        "no equivalence",
        concept_map(("a", "2345-7"), equivalence="same"),
        15,
        "equivalence is missing or not of FHIR R4",
    ),
]


@pytest.mark.parametrize(("name", "wrong", "line", "said"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_a_wrong_map_is_refused_with_file_line_and_fault(
    tmp_path: Path, name: str, wrong: dict[str, Any], line: int, said: str
) -> None:
    """At start-up, so that no patient's value is lost to a slip in a map."""
    with pytest.raises(LocalCodeError) as error:
        loaded(tmp_path, wrong)
    assert str(error.value).startswith(f"map-0.json:{line}: ")
    assert said in str(error.value)


def test_what_is_not_json_is_refused_with_its_line(tmp_path: Path) -> None:
    """The JSON parser's own line."""
    (tmp_path / "bad.json").write_text('{\n"a": 1,\n}', "utf-8")
    with pytest.raises(LocalCodeError, match=r"bad\.json:3: not JSON"):
        load_local_codes(tmp_path)


def test_what_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    """A map saved by a program of another character set; one with a byte order mark is read."""
    text = json.dumps(concept_map(("GLÜ", "2345-7")), indent=2, ensure_ascii=False)
    (tmp_path / "marked.json").write_bytes(text.encode("utf-8-sig"))
    assert {(SITE_SYSTEM, "GLÜ")} == set(load_local_codes(tmp_path).rows)
    (tmp_path / "latin.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(LocalCodeError, match=r"latin\.json:10: not UTF-8$"):
        load_local_codes(tmp_path)


def test_a_map_indented_by_tabs_tells_its_lines_too(tmp_path: Path) -> None:
    """YAML forbids tabs where JSON allows them."""
    text = json.dumps(concept_map(("a", "2524-7")), indent="\t")
    (tmp_path / "tabs.json").write_text(text, "utf-8")
    with pytest.raises(LocalCodeError, match=r"tabs\.json:14: a: "):
        load_local_codes(tmp_path)


def test_one_code_with_two_meanings_is_refused(tmp_path: Path) -> None:
    """Also across files: nothing says which one holds."""
    with pytest.raises(LocalCodeError, match=r"map-1\.json:14: code GLU means something else at map-0\.json:14"):
        loaded(tmp_path, concept_map(("GLU", "2345-7")), concept_map(("GLU", "2160-0")))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    """A wrong path must not look like a site without local codes."""
    with pytest.raises(LocalCodeError, match="holds no ConceptMap"):
        load_local_codes(tmp_path)


def test_unmatched_codes_are_left_as_they_are(tmp_path: Path) -> None:
    """A map may say that a code means nothing that is known."""
    assert {} == loaded(tmp_path, concept_map(("X", "2345-7"), equivalence="unmatched")).rows
