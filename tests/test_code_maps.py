"""The page of code maps says what the data files say, and the example of local codes loads."""

import json
import re
from pathlib import Path

import pytest

from fhir_mappings.chart import RawChart
from fhir_mappings.codes import LOINC, analyte_codes, nihss_codes
from fhir_mappings.features import load_features
from fhir_mappings.local_codes import NO_SYSTEM, LocalCodes, load_local_codes
from fhir_mappings.pipeline import snapshot_from
from fhir_mappings.quirks import QUIRKS
from fhir_mappings.site import Site
from tests import builders as b
from tests.builders import at
from tools.code_maps import COMMAND, PAGE, main, page
from tools.markdown import markdown_table

EXAMPLES = Path(__file__).parents[1] / "docs/examples/local_codes"
FLOWSHEET = "https://hospital.example/flowsheet"
FORM = "https://hospital.example/fhir/Questionnaire/nihss"


def test_the_page_is_what_the_data_files_say() -> None:
    """Generated anew it is the same, byte for byte."""
    assert page() == PAGE.read_text("utf-8"), f"docs/CODE_MAPS.md is out of date: run `{COMMAND}` and commit the page"


def test_the_check_writes_nothing_and_succeeds_on_an_up_to_date_page() -> None:
    """Exit status 0."""
    before = PAGE.stat().st_mtime_ns
    assert 0 == main(["--check"])
    assert before == PAGE.stat().st_mtime_ns


def test_everything_that_is_read_by_a_code_stands_on_the_page() -> None:
    """Each LOINC code, each input and each quirk."""
    said = set(re.findall(r"`([^`]+)`", page()))
    assert set() == {*analyte_codes(), *nihss_codes(), *load_features().names, *QUIRKS} - said


def test_every_row_of_a_table_has_the_columns_of_its_head() -> None:
    """A ``|`` in a cell is escaped, or GitHub would cut the row."""
    tables = re.findall(r"(?:^\|.*\n)+", page(), re.MULTILINE)
    assert 10 <= len(tables)
    for table in tables:
        assert 1 == len({len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}), table[:80]


def test_a_bar_in_a_cell_is_escaped() -> None:
    """Also within code, as GitHub wants it."""
    assert "| a |\n|---|\n| `x\\|y` |" == markdown_table(["a"], [["`x|y`"]])


@pytest.fixture(scope="module")
def example() -> LocalCodes:
    """The local codes of the documentation's example."""
    return load_local_codes(EXAMPLES)


def test_the_example_has_one_of_each_kind(example: LocalCodes) -> None:
    """What docs/LOCAL_CODES.md promises: lab, total, item, answer, linkId, bare code, procedure, decision, drug."""
    meant = {(row.system, row.target_code) for row in example.rows.values()}
    promised = {
        ("https://hospital.example/lab", "2345-7"), (FLOWSHEET, "72089-6"), (FLOWSHEET, "70190-4"),
        (FLOWSHEET, "LA18460-8"), (FORM, "72089-6"), (NO_SYSTEM, "8867-4"),
        ("https://hospital.example/procedure", "397046001"),
        ("https://hospital.example/procedure", "thrombectomy-declined"),
        ("https://hospital.example/formulary", "1191"),
    }  # fmt: skip
    assert set() == promised - meant


def test_the_example_s_codes_are_found_and_read(example: LocalCodes) -> None:
    """From the chart to the facts: a lab, an NIHSS, a decision and a home drug."""
    lab = b.observation("GLUC-P", 180, "mg/dL", 1, "g1", system="https://hospital.example/lab")
    score = b.observation("4711", None, hours=1, id_="n1", system=FLOWSHEET) | {"valueInteger": 9}
    declined = b.procedure("EVT-DECLINED", 1, system="https://hospital.example/procedure")
    drug = b.medication_request("ASS 75")
    drug["medicationCodeableConcept"]["coding"] = [{"system": "https://hospital.example/formulary", "code": "D-00123"}]
    chart = RawChart(
        b.PATIENT_ID,
        {
            "patient": (b.patient(),), "encounters": (b.encounter(),), "conditions": (b.condition(),),
            "procedures": (declined,), "labs": (lab,), "nihss": (score,), "medications": (drug,),
        },
    )  # fmt: skip
    snapshot = snapshot_from(chart, at(2), site=Site(local_codes=example))
    assert [("glucose", 180.0)] == [(one.analyte, one.value) for one in snapshot.measurements]
    assert [9] == [one.total for one in snapshot.nihss]
    assert {("thrombectomy", "not_done"), ("antiplatelet", "before_admission")} == {
        (one.kind, one.state) for one in snapshot.treatments
    }


def test_the_example_s_form_is_read_by_its_linkids(example: LocalCodes) -> None:
    """The questionnaire's canonical URL stands for their system, whatever its version."""
    form = {
        "resourceType": "QuestionnaireResponse", "id": "f1", "status": "completed", "subject": b.subject(),
        "questionnaire": f"{FORM}|2.0", "authored": b.when(1),
        "item": [{"linkId": "q-total", "answer": [{"valueInteger": 11}]}],
    }  # fmt: skip
    held = {"patient": (b.patient(),), "encounters": (b.encounter(),), "forms": (form,)}
    snapshot = snapshot_from(RawChart(b.PATIENT_ID, held), at(2), site=Site(local_codes=example))
    assert [11] == [one.total for one in snapshot.nihss]


def test_the_page_on_local_codes_shows_a_part_of_the_example(example: LocalCodes) -> None:
    """Its ConceptMap is valid, and each of its rows stands in the file."""
    text = (EXAMPLES.parents[1] / "LOCAL_CODES.md").read_text("utf-8")
    (shown,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    group = json.loads(shown)["group"][0]
    rows = [(group["source"], row["code"], group["target"], row["target"][0]["code"]) for row in group["element"]]
    held = {(row.system, row.code, row.target_system, row.target_code) for row in example.rows.values()}
    assert [("https://hospital.example/lab", "GLUC-P", LOINC, "2345-7")] == rows
    assert set(rows) <= held
