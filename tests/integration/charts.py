"""Charts for the contract suite, by prefetch key: small, large and odd ones, of one patient each."""

from collections.abc import Iterable, Mapping
from itertools import chain, cycle, islice
from typing import Any

from cds_service.demo.patients import demo_patient, shift
from fhir_mappings.codes import analyte_codes, analytes, lab_codes
from tests import builders as b
from tests.builders import Resource
from tests.documents import pdf_of
from tests.filed import form
from tests.integration.asking import AS_OF

Chart = dict[str, list[Resource]]
NOW_H = (AS_OF - b.T0).total_seconds() / 3600
"""The moment of the calls, as the builders count."""


def stroke(id_: str, arrived: float = 0.0, **charted: list[Resource]) -> Chart:
    """A patient admitted with an ischemic stroke and NIHSS 9 half an hour later, and what is ``charted`` besides.

    What a key holds is put in the place of the least that it has.
    """
    return {
        "patient": [b.patient(id_)],
        "encounters": [b.encounter(f"{id_}-stay", arrived, patient=id_)],
        "conditions": [b.condition(id_=f"{id_}-stroke", onset=arrived, patient=id_)],
        "procedures": [],
        "nihss": [b.nihss(9, arrived + 0.5, f"{id_}-nihss", patient=id_)],
        "labs": [],
        "vitals": [],
        "reports": [],
        "medications": [],
        "administrations": [],
        "forms": [],
    } | charted


def resources(chart: Mapping[str, Iterable[Resource]]) -> list[Resource]:
    """All that stands in a chart, what others refer to first."""
    return list(chain.from_iterable(chart.values()))


def occluded(id_: str, *procedures: Resource) -> Chart:
    """The demo patient with an occlusion and no decision charted, under another id, and these procedures."""
    bundle = shift(demo_patient("occlusion").bundle, AS_OF)
    own: list[Resource] = [_renamed(entry["resource"], "demo-occlusion", id_) for entry in bundle["entry"]]
    return {"patient": own, "procedures": list(procedures)}


def _renamed(node: Any, old: str, new: str) -> Any:
    if isinstance(node, dict):
        return {key: _renamed(value, old, new) for key, value in node.items()}
    if isinstance(node, list):
        return [_renamed(one, old, new) for one in node]
    return node.replace(old, new) if isinstance(node, str) else node


QUARTERS = 160
"""Vital signs every 15 minutes for 40 hours."""
LABS = 190
"""As many as one page of 200 holds with room to spare: what is sent along then counts as whole."""
OTHERS = 388
USUAL = {
    "glucose": 128, "d_dimer": 0.8, "fibrinogen": 3.4, "crp": 6, "wbc": 8.1, "neutrophils": 5.2, "lymphocytes": 1.9,
    "platelets": 240, "creatinine": 0.9, "ldl": 112, "hba1c": 5.9, "inr": 1.1,
}  # fmt: skip
_OTHER_CODES = tuple(f"{number}-0" for number in range(90001, 90031))
"""Codes that nobody asks for: they only stand in the way."""


def monitored(id_: str) -> Chart:
    """900 Observations over 60 codes and more: monitored since arrival 40 h ago, blood taken again and again.

    One blood pressure is of another stay: so what holds them all reaches back beyond arrival.
    """
    arrived = NOW_H - QUARTERS / 4
    vitals = [_pressure(id_, arrived + quarter / 4, 180 - quarter % 40) for quarter in range(QUARTERS)]
    vitals += [_rate(id_, arrived + quarter / 4, 70 + quarter % 9) for quarter in range(QUARTERS)]
    vitals.append(_pressure(id_, arrived - 24 * 40, 135))
    labs = [_lab(id_, code, arrived + 1 + n * 0.2) for n, code in enumerate(islice(cycle(lab_codes()), LABS))]
    others = [
        b.observation(code, n % 7, "1", arrived + 1 + n * 0.1, f"{id_}-other-{n}", patient=id_)
        for n, code in enumerate(islice(cycle(_OTHER_CODES), OTHERS))
    ]
    return stroke(id_, arrived, vitals=vitals, labs=labs, others=others)


def _lab(id_: str, code: str, hours: float) -> Resource:
    """A usual value, in the unit that the analyte is kept in."""
    analyte = analytes()[analyte_codes()[code].analyte]
    name = f"{id_}-{code}-{hours * 60:.0f}"
    return b.observation(code, USUAL[analyte.name], analyte.shown or "1", hours, name, ucum=analyte.unit, patient=id_)


def _rate(id_: str, hours: float, value: float) -> Resource:
    name = f"{id_}-hr-{hours * 60:.0f}"
    return b.observation("8867-4", value, "/min", hours, name, category="vital-signs", patient=id_)


def _pressure(id_: str, hours: float, systolic: int) -> Resource:
    raw = b.observation(
        "85354-9", None, hours=hours, id_=f"{id_}-bp-{hours * 60:.0f}", category="vital-signs", patient=id_
    )
    raw["component"] = [
        {"code": {"coding": [{"system": b.LOINC, "code": code}]}, "valueQuantity": _mmhg(value)}
        for code, value in (("8480-6", systolic), ("8462-4", systolic - 70))
    ]
    return raw


def _mmhg(value: int) -> dict[str, Any]:
    return {"value": value, "unit": "mmHg", "system": b.UCUM, "code": "mm[Hg]"}


def reported(id_: str, count: int = 60) -> Chart:
    """60 imaging reports, every twelfth a PDF in a Binary; the newest is a PDF and tells of a midline shift.

    One is of another stay: so what holds them all reaches back beyond arrival.
    """
    arrived = NOW_H - 2 - count / 4
    reports = [_report(id_, number, arrived + 1 + number / 4) for number in range(count - 2)]
    newest = _shown(id_, "last", NOW_H - 0.75, "Midline shift of 4 mm.")
    earlier = _report(id_, 1000, arrived - 24 * 40)
    return stroke(id_, arrived, reports=[*chain.from_iterable([earlier, *reports, newest])])


def _report(id_: str, number: int, hours: float) -> list[Resource]:
    text = f"No hemorrhage. ASPECTS {7 + number % 3}."
    if number % 12 == 0:
        return _shown(id_, str(number), hours, text)
    return [b.report(f"FINDINGS: {text}", hours, f"{id_}-report-{number}", issued=hours + 0.2, patient=id_)]


def _shown(id_: str, name: str, hours: float, text: str) -> list[Resource]:
    """A report whose text is a PDF in a Binary, and the Binary before it."""
    data = form(pdf_of(["CT head", "FINDINGS:", text]), "application/pdf")
    binary: Resource = {"resourceType": "Binary", "id": f"{id_}-pdf-{name}"} | data
    raw = b.report("", hours, f"{id_}-report-{name}", issued=hours + 0.2, patient=id_)
    del raw["conclusion"]
    raw["presentedForm"] = [{"contentType": "application/pdf", "url": f"Binary/{binary['id']}"}]
    return [binary, raw]
