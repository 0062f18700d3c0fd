"""Write the demo patients' R4 transaction bundles from the short descriptions below.

Every time is in hours after arrival; the bundle's ``timestamp`` is its own ``as_of``. Ids are ours and
begin with a letter, references are relative, every result carries ``issued``. All people are invented.
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

OUT = Path(__file__).parents[1] / "cds_service" / "demo" / "patients"
T0 = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
LOINC, SNOMED, ICD10 = "http://loinc.org", "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ITEMS = dict(zip("1a 1b 1c 2 3 4 5a 5b 6a 6b 7 8 9 10 11".split(), (
    "70184-7 70185-4 70186-2 70187-0 70188-8 70189-6 70190-4 70967-5 70191-2 70968-3 70192-0 70193-8 70194-6 "
    "70195-3 70196-1").split(), strict=True))  # fmt: skip
LABS = {
    "glucose": ("2345-7", "mg/dL"), "glucose-si": ("14749-6", "mmol/L"), "d-dimer": ("48065-7", "ug/mL"),
    "fibrinogen": ("3255-7", "mg/dL"), "fibrinogen-si": ("3255-7", "g/L"), "crp": ("1988-5", "mg/L"), "wbc": ("6690-2", "10*3/uL"),
    "neutrophils": ("751-8", "10*3/uL"), "lymphocytes": ("731-0", "10*3/uL"), "platelets": ("777-3", "10*3/uL"),
    "creatinine": ("2160-0", "mg/dL"), "creatinine-si": ("14682-9", "umol/L"), "ldl": ("13457-7", "mg/dL"),
    "hba1c": ("4548-4", "%"), "inr": ("6301-6", "{INR}"),
}  # fmt: skip
USUAL_LABS = {
    "glucose": 128, "d-dimer": 0.8, "fibrinogen": 340, "crp": 4.2, "wbc": 7.4, "neutrophils": 5.0, "lymphocytes": 1.6,
    "platelets": 214, "creatinine": 0.9, "ldl": 112, "hba1c": 6.0, "inr": 1.0,
}  # fmt: skip

Json = dict[str, Any]


def when(hours: float) -> str:
    """The FHIR instant that many hours after arrival."""
    return (T0 + timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


class Chart:
    """One patient's resources, gathered call by call."""

    def __init__(self, id_: str, birth: str, gender: str, family: str) -> None:
        self.id, self.resources = id_, list[Json]()
        name = [{"family": family, "given": ["Demo"]}]
        self.resources.append(
            {"resourceType": "Patient", "id": id_, "name": name, "birthDate": birth, "gender": gender}
        )

    def add(self, kind: str, name: str, **members: Any) -> "Chart":
        """One resource of this patient, its id made of the patient's and ``name``."""
        subject = {"subject": {"reference": f"Patient/{self.id}"}}
        self.resources.append({"resourceType": kind, "id": f"{self.id}-{name}", **subject, **members})
        return self

    def stay(self, *, emergency_h: float | None = None, reason: str | None = None) -> "Chart":
        """An open inpatient Encounter; with ``emergency_h`` it is part of a finished emergency visit of that length."""
        start = 0.0 if emergency_h is None else emergency_h
        more: Json = {"reasonCode": [{"text": reason}]} if reason else {}
        if emergency_h is not None:
            self.add("Encounter", "emergency", status="finished", **{"class": {"system": ACT, "code": "EMER"}},
                     period={"start": when(0), "end": when(emergency_h)})  # fmt: skip
            more["partOf"] = {"reference": f"Encounter/{self.id}-emergency"}
        return self.add("Encounter", "stay", status="in-progress", **{"class": {"system": ACT, "code": "IMP"}},
                        period={"start": when(start)}, **more)  # fmt: skip

    def diagnosis(self, name: str, system: str, code: str, text: str, onset_h: float | None = None) -> "Chart":
        """An active Condition; a stroke's onset is when the patient was last known well."""
        base = "http://terminology.hl7.org/CodeSystem/condition-clinical"
        onset = {"onsetDateTime": when(onset_h)} if onset_h is not None else {}
        return self.add("Condition", name, clinicalStatus={"coding": [{"system": base, "code": "active"}]},
                        code={"coding": [{"system": system, "code": code, "display": text}], "text": text}, **onset)  # fmt: skip

    def stroke(self, onset_h: float = -1.5) -> "Chart":
        """Acute ischemic stroke of the middle cerebral artery."""
        return self.diagnosis("stroke", ICD10, "I63.512", "Cerebral infarction, left middle cerebral artery", onset_h)

    def observation(
        self, name: str, code: str, hours: float, category: str, lag_h: float = 0.0, **value: Any
    ) -> "Chart":
        """One Observation by LOINC code."""
        system = "http://terminology.hl7.org/CodeSystem/observation-category"
        return self.add("Observation", name, status="final", category=[{"coding": [{"system": system, "code": category}]}],
                        code={"coding": [{"system": LOINC, "code": code}]}, effectiveDateTime=when(hours),
                        issued=when(hours + lag_h), **value)  # fmt: skip

    def nihss(self, *series: tuple[float, int]) -> "Chart":
        """NIHSS totals as (hours, points)."""
        for hours, total in series:
            self.observation(f"nihss-{hours:g}".replace(".", "-"), "72089-6", hours, "survey", valueInteger=total)
        return self

    def panel(self, hours: float, points: str) -> "Chart":
        """An NIHSS panel; ``points`` are the fifteen items' in order, one digit each."""
        parts = [{"code": {"coding": [{"system": LOINC, "code": code}]}, "valueInteger": int(value)}
                 for code, value in zip(ITEMS.values(), points, strict=True)]  # fmt: skip
        return self.observation(f"panel-{hours:g}".replace(".", "-"), "70182-1", hours, "survey", component=parts)

    def vitals(
        self,
        until_h: float,
        pressure: tuple[int, int],
        rate: int,
        temperature: float = 36.9,
        spo2: int = 97,
        *,
        panel: bool = True,
    ) -> "Chart":
        """Hourly pressure and heart rate, four-hourly temperature and saturation, gently varied; none after the end."""
        for hour in range(int(until_h) + 1):
            if hour + 0.2 > until_h:
                break
            sway = (0, 4, -3, 6, -5, 2)[hour % 6]
            self.pressure(hour, pressure[0] + sway, pressure[1] + sway // 2, panel=panel)
            self._vital(f"hr-{hour}", "8867-4", hour + 0.1, rate + sway, "/min")
            if hour % 4 == 0:
                self._vital(f"temp-{hour}", "8310-5", hour + 0.2, temperature, "Cel")
                self._vital(f"spo2-{hour}", "59408-5", hour + 0.2, spo2, "%")
        return self

    def pressure(self, hour: int, systolic: int, diastolic: int, *, panel: bool) -> "Chart":
        """One blood pressure: a panel, or two Observations with codes of their own."""
        values = (("sbp", "8480-6", systolic), ("dbp", "8462-4", diastolic))
        if not panel:
            for name, code, value in values:
                self._vital(f"{name}-{hour}", code, hour + 0.1, value, "mm[Hg]")
            return self
        parts = [{"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": _quantity(value, "mm[Hg]")}
                 for _, code, value in values]  # fmt: skip
        return self.observation(f"bp-{hour}", "85354-9", hour + 0.1, "vital-signs", component=parts)

    def _vital(self, name: str, code: str, hours: float, value: float, unit: str) -> None:
        self.observation(name, code, hours, "vital-signs", valueQuantity=_quantity(value, unit))

    def labs(self, hours: float = 0.4, **changed: float | None) -> "Chart":
        """The usual laboratory values, with those ``changed``; None leaves one out."""
        given = {name.replace("_", "-"): value for name, value in changed.items()}
        for name, value in (USUAL_LABS | given).items():
            if value is not None:
                self.lab(name, hours, value)
        return self

    def lab(self, name: str, hours: float, value: float) -> "Chart":
        """One laboratory value, issued 40 minutes after it was taken."""
        code, unit = LABS[name]
        shown = {"48065-7": "ug/mL FEU"}.get(code, unit)
        return self.observation(f"{name}-{hours:g}".replace(".", "-"), code, hours, "laboratory", 0.7,
                                valueQuantity=_quantity(value, unit) | {"unit": shown})  # fmt: skip

    def report(self, name: str, code: str, title: str, hours: float, text: str, form: str = "conclusion") -> "Chart":
        """An imaging report, its text in one of four forms, issued half an hour after the scan."""
        data = {
            "plain": {"contentType": "text/plain; charset=utf-8", "data": _b64(text)},
            "html": {
                "contentType": "text/html",
                "data": _b64("<html><body><p>" + text.replace("\n", "</p><p>") + "</p></body></html>"),
            },
        }
        held: Json = {"conclusion": text} if form == "conclusion" else {}
        if form in data:
            held = {"presentedForm": [data[form]]}
        if form == "narrative":
            held = {
                "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{text}</p></div>'}
            }
        return self.add("DiagnosticReport", name, status="final", category=[{"coding": [{"system": LOINC, "code": "LP29684-5"}]}],
                        code={"coding": [{"system": LOINC, "code": code}], "text": title},
                        effectiveDateTime=when(hours), issued=when(hours + 0.5), **held)  # fmt: skip

    def home_drug(self, name: str, text: str) -> "Chart":
        """A drug taken before admission."""
        system = "http://terminology.hl7.org/CodeSystem/medicationrequest-category"
        return self.add("MedicationRequest", name, status="active", intent="order", authoredOn=when(-2000),
                        category=[{"coding": [{"system": system, "code": "community"}]}],
                        medicationCodeableConcept={"text": text})  # fmt: skip

    def procedure(self, name: str, code: str, text: str, hours: float, status: str = "completed") -> "Chart":
        """A Procedure by SNOMED CT code."""
        return self.add("Procedure", name, status=status, performedDateTime=when(hours),
                        code={"coding": [{"system": SNOMED, "code": code, "display": text}], "text": text})  # fmt: skip

    def bundle(self, as_of_h: float) -> Json:
        """The transaction, with its own ``as_of`` as timestamp."""
        entries = [{"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
                   for one in self.resources]  # fmt: skip
        return {
            "resourceType": "Bundle",
            "id": self.id,
            "type": "transaction",
            "timestamp": when(as_of_h),
            "entry": entries,
        }


def _quantity(value: float, unit: str) -> Json:
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


CT, CTA, MRI = (
    ("30799-1", "CT head without contrast"),
    ("30593-8", "CTA head vessels"),
    ("30657-1", "MRI brain without contrast"),
)
CLEAR = "No intracranial hemorrhage. No mass effect or midline shift."
HISTORY = "CLINICAL HISTORY: Sudden unsteadiness, difficulty walking and blurred vision.\n"


def base(id_: str, birth: str = "1951-06-11", gender: str = "female", family: str = "Example") -> Chart:
    """A patient with an open stay, a coded stroke and hypertension."""
    chart = Chart(id_, birth, gender, family).stay().stroke()
    return chart.diagnosis("hypertension", ICD10, "I10", "Essential hypertension", -40000)


def flagged() -> tuple[Chart, float]:
    """Severe stroke, many unfavorable findings."""
    chart = base("demo-flagged", "1952-02-20", "male", "Flagstad")
    chart.diagnosis("diabetes", ICD10, "E11.9", "Type 2 diabetes mellitus", -50000)
    chart.panel(0.3, "001111030201110").nihss((4, 12), (8, 12)).vitals(9, (162, 92), 88, 37.1)
    chart.labs(glucose=176, d_dimer=1.9, fibrinogen=390, crp=7.5, hba1c=7.2)
    chart.report("ct", *CT, 0.6, HISTORY + "FINDINGS: Hyperdense left MCA sign. Loss of gray-white differentiation in the left insula. "
                 f"ASPECTS 6. {CLEAR}\nIMPRESSION: Early ischemic change in the left MCA territory.", "plain")  # fmt: skip
    chart.report("cta", *CTA, 0.9, "FINDINGS: Occlusion of the left M1 segment. Moderate collaterals. "
                 "IMPRESSION: Left M1 occlusion. Not a candidate for thrombectomy: pre-stroke dependence.")  # fmt: skip
    return chart, 9


def not_flagged() -> tuple[Chart, float]:
    """A mild stroke in a younger patient."""
    chart = Chart("demo-not-flagged", "1974-09-03", "female", "Quietus").stay(emergency_h=1.5).stroke()
    chart.home_drug("aspirin", "Aspirin 81 mg oral tablet").panel(0.4, "000001000100010").nihss(
        (4, 3), (8, 2), (16, 2), (24, 2)
    )
    chart.vitals(26, (138, 78), 68).labs(
        glucose=None, glucose_si=5.4, d_dimer=0.22, fibrinogen=None, fibrinogen_si=2.6, crp=0.8
    )
    chart.report("ct", *CT, 0.6, f"FINDINGS: {CLEAR} Gray-white differentiation is preserved. ASPECTS 10.", "html")
    chart.report("cta", *CTA, 0.8, "FINDINGS: The intracranial arteries are patent.")
    return chart, 26


def missing_labs() -> tuple[Chart, float]:
    """A moderate stroke whose laboratory values are not there yet."""
    chart = base("demo-missing-labs", family="Halfway").nihss((0.3, 9), (3, 9)).vitals(4, (156, 88), 82, panel=False)
    chart.lab("glucose", 0.3, 131)
    chart.report("ct", *CT, 0.5, f"FINDINGS: {CLEAR} Possible early ischemic change in the left insula. ASPECTS 8.")
    return chart, 4


def no_report() -> tuple[Chart, float]:
    """A moderate stroke without any report text."""
    chart = base("demo-no-report", family="Silent").nihss((0.3, 8), (4, 8), (8, 7)).vitals(10, (150, 84), 78).labs()
    return chart, 10


def end_charted() -> tuple[Chart, float]:
    """END by two points, not yet confirmed."""
    chart = base("demo-end-charted", family="Riser").nihss((0.3, 9), (3, 9), (5, 11)).vitals(6, (160, 92), 88).labs()
    chart.report("ct", *CT, 0.6, f"FINDINGS: {CLEAR} ASPECTS 8.")
    return chart, 5.5


def end_confirmed() -> tuple[Chart, float]:
    """END by four points, confirmed by the next score."""
    chart = (
        base("demo-end-confirmed", family="Steep")
        .nihss((0.3, 8), (6, 8), (12, 12), (14, 12))
        .vitals(15, (172, 96), 94)
        .labs()
    )
    chart.report("ct", *CT, 0.6, f"FINDINGS: {CLEAR} ASPECTS 7.")
    return chart, 15


def thrombectomy() -> tuple[Chart, float]:
    """Outside: thrombectomy was done."""
    chart = base("demo-thrombectomy", family="Opened").nihss((0.3, 16), (6, 8))
    return chart.procedure("evt", "397046001", "Thrombectomy of artery", 1.5), 8


def hemorrhage() -> tuple[Chart, float]:
    """Outside: a hemorrhagic stroke is coded."""
    chart = Chart("demo-hemorrhage", "1960-01-30", "male", "Redfield").stay()
    chart.diagnosis("ich", ICD10, "I61.9", "Nontraumatic intracerebral hemorrhage", -1)
    return chart.nihss((0.3, 11)), 5


def contradiction() -> tuple[Chart, float]:
    """An ischemic code beside a report of acute hemorrhage."""
    chart = base("demo-contradiction", family="Twofold").nihss((0.3, 10), (4, 10)).vitals(5, (176, 98), 86).labs()
    chart.report("ct", *CT, 0.6, "FINDINGS: Acute hemorrhage in the left basal ganglia. No midline shift.")
    return chart, 5


def occlusion() -> tuple[Chart, float]:
    """M1 occlusion at hour 2, nothing decided about thrombectomy."""
    chart = base("demo-occlusion", family="Urgent").nihss((0.3, 14), (1.5, 14)).vitals(2, (162, 90), 90).labs()
    chart.report("ct", *CT, 0.5, f"FINDINGS: {CLEAR} ASPECTS 9.", "narrative")
    chart.report("cta", *CTA, 0.8, "IMPRESSION: Acute occlusion of the left M1 segment. Good collaterals.", "plain")
    return chart, 2


def declined() -> tuple[Chart, float]:
    """M1 occlusion, thrombectomy decided against: a risk card."""
    chart = (
        base("demo-declined", "1938-12-05", "male", "Choice").nihss((0.3, 13), (3, 13)).vitals(4, (158, 86), 84).labs()
    )
    chart.report("cta", *CTA, 0.8, "FINDINGS: Occlusion of the left M1 segment. Moderate collaterals.")
    return chart.procedure("evt", "397046001", "Thrombectomy of artery", 1.2, status="not-done"), 4


def no_stroke() -> tuple[Chart, float]:
    """Outside: no stroke at all."""
    chart = Chart("demo-no-stroke", "1968-04-17", "male", "Wheeze").stay(reason="Shortness of breath")
    return chart.diagnosis("pneumonia", ICD10, "J18.9", "Pneumonia", -20).vitals(3, (128, 74), 96), 3


def no_nihss() -> tuple[Chart, float]:
    """A stroke without any NIHSS."""
    chart = base("demo-no-nihss", family="Unscored").vitals(8, (148, 82), 80).labs()
    chart.report("mri", *MRI, 3, "FINDINGS: Acute small left MCA territory infarct. No hemorrhage.")
    return chart, 8


def not_coded() -> tuple[Chart, float]:
    """A stroke that is named but not coded."""
    chart = Chart("demo-not-coded", "1957-07-07", "female", "Nameless").stay(reason="Suspected stroke")
    return chart.nihss((0.3, 6)).vitals(2, (150, 85), 76), 2


def thrombolysis() -> tuple[Chart, float]:
    """Thrombolysis given, glucose high twice."""
    chart = (
        base("demo-thrombolysis", "1949-03-28", "female", "Lysander")
        .nihss((0.3, 11), (2, 9), (6, 9))
        .vitals(7, (164, 88), 85)
    )
    chart.labs(glucose=201, creatinine=None, creatinine_si=84.0).lab("glucose", 4.4, 214)
    chart.procedure("lysis", "472191000119101", "Thrombolysis of cerebral artery by intravenous infusion", 1.0)
    chart.report("ct", *CT, 0.5, f"FINDINGS: {CLEAR} ASPECTS 9.")
    return chart, 7


def late() -> tuple[Chart, float]:
    """More than 120 hours after arrival."""
    chart = base("demo-late", family="Fifthday").nihss((0.3, 7), (24, 6), (72, 5), (120, 5)).labs()
    return chart.report("ct", *CT, 0.6, f"FINDINGS: {CLEAR}"), 130


PATIENTS = (
    flagged, not_flagged, missing_labs, no_report, end_charted, end_confirmed, contradiction, occlusion, declined,
    thrombolysis, no_nihss, late, not_coded, thrombectomy, hemorrhage, no_stroke,
)  # fmt: skip


def written() -> dict[str, str]:
    """File name -> JSON text of every bundle."""
    charts = [make() for make in PATIENTS]
    return {f"{chart.id}.json": json.dumps(chart.bundle(as_of), indent=1) + "\n" for chart, as_of in charts}


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for name, text in written().items():
        (OUT / name).write_text(text, "utf-8")
