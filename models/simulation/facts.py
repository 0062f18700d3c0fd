"""What the chart of one stay holds, drawn once: written as FHIR, or read directly without it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from fhir_mappings.snapshot import DiagnosisKind, TreatmentKind
from models.simulation.charting import Exam
from models.simulation.forms import form_table
from models.simulation.measurements import Value, lab_values, vital_values
from models.simulation.stay import ICD10, SNOMED, SimulatedStay, minute_of
from models.simulation.world import World

DrugForm = Literal["community", "reported", "plan", "inpatient", "statement", "administration", "given"]
"""How a drug is charted: five ways for a home drug, then an order of the stay and one given in the stay."""

TextForm = Literal["conclusion", "attachment", "narrative"]

HOME_H = -24.0 * 60
"""When a home drug was begun, in hours after arrival (assumption)."""

_ADMITTED_H = 0.7  # when home drugs are asked for on the ward: assumption
_GIVEN_AT_HOME_H = -10.0  # assumption

# Codes as in fhir_mappings/data/value_sets: SNOMED CT where there is one, ICD-10-CM.
_Code = tuple[str, str]
_HISTORY: Mapping[DiagnosisKind, tuple[_Code | None, _Code]] = {
    "hypertension": (("38341003", "Hypertension"), ("I10", "Essential (primary) hypertension")),
    "diabetes": (("44054006", "Type 2 diabetes mellitus"), ("E11.9", "Type 2 diabetes mellitus")),
    "atrial_fibrillation": (("49436004", "Atrial fibrillation"), ("I48.91", "Unspecified atrial fibrillation")),
    "heart_failure": (("84114007", "Heart failure"), ("I50.9", "Heart failure, unspecified")),
    "coronary_disease": (("53741008", "Coronary arteriosclerosis"), ("I25.10", "Atherosclerotic heart disease")),
    "smoking": (("77176002", "Smoker"), ("F17.210", "Nicotine dependence, cigarettes")),
    "stroke_history": (None, ("Z86.73", "Personal history of TIA and cerebral infarction")),
}
_STROKE = ("422504002", "Ischemic stroke")
_SIDED = {"left": ("I63.512", "Cerebral infarction, MCA"), "right": ("I63.511", "Cerebral infarction, MCA")}
_CAUSES = {
    "neurological_death": ("herniation", ("G93.5", "Compression of brain")),
    "other_death": ("embolism", ("I26.99", "Other pulmonary embolism")),
}


class Entry(NamedTuple):
    """One diagnosis as charted; ``kind`` is what the mappings call it, None for what they pass over."""

    what: str
    kind: DiagnosisKind | None
    system: str
    code: str
    text: str
    recorded: int


class Done(NamedTuple):
    """One procedure as charted; ``kind`` is what the mappings call it, None for what they pass over."""

    what: str
    kind: TreatmentKind | None
    code: str
    text: str
    minute: int
    status: str = "completed"


class DrugEntry(NamedTuple):
    """One drug as charted; ``minute`` is when it was ordered, stated or given."""

    kind: TreatmentKind
    text: str
    form: DrugForm
    minute: int
    refers: bool


@dataclass(frozen=True)
class Chart:
    """Everything charted of one stay; minutes count from ``t0``.

    ``admitted`` is the minute of the move to the ward, 0 without an emergency Encounter; ``linked``
    says that ``partOf`` joins the two. ``mrs`` is the pre-stroke modified Rankin scale.
    """

    stay: SimulatedStay
    admitted: int
    linked: bool
    entries: tuple[Entry, ...]
    mrs: int | None
    onset_observed: bool
    exams: tuple[Exam, ...]
    as_panel: bool
    values: tuple[Value, ...]
    done: tuple[Done, ...]
    drugs: tuple[DrugEntry, ...]
    text_form: TextForm
    categorized: bool


def chart_of(world: World, stay: SimulatedStay, rng: np.random.Generator) -> Chart:
    """The chart of a stay; ``rng`` is the one that `models.simulation.cohort.draw_stay` gave with it."""
    emergency, moved, linked, panel, onset, form, categorized = rng.random(7).tolist()
    table = form_table()
    shares = table["reports"]["text_shares"]
    text_form: TextForm = "conclusion" if form < shares[0] else "attachment" if form < sum(shares[:2]) else "narrative"
    done, thrombolytic = _procedures(world, stay, rng)
    return Chart(
        stay=stay,
        admitted=minute_of(2.0 + 3.0 * moved) if emergency < world["emergency_share"] else 0,
        linked=linked < world["part_of_share"],
        entries=tuple(_entries(stay, rng)),
        mrs=_pre_stroke_mrs(world, stay, rng),
        onset_observed=stay.onset_charted and onset < table["before_stroke"]["onset_observed_share"],
        exams=tuple({minute_of(exam.hours): exam for exam in reversed(stay.exams)}.values())[::-1],  # one a minute
        as_panel=panel < table["scores"]["panel_share"],
        values=(*vital_values(world, stay, rng), *lab_values(world, stay, rng)),
        done=done,
        drugs=(*thrombolytic, *_home_drugs(stay, rng), *_stay_drug(stay, rng)),
        text_form=text_form,
        categorized=categorized < table["reports"]["categorized_share"],
    )


def _entries(stay: SimulatedStay, rng: np.random.Generator) -> Iterator[Entry]:
    """The stroke, the history, and what the patient died of."""
    table: dict[str, Any] = form_table()["diagnoses"]
    snomed, *history = (rng.random(1 + len(_HISTORY)) < table["snomed_share"]).tolist()
    coded = (SNOMED, *_STROKE) if snomed else (ICD10, *_SIDED[stay.course.side])
    yield Entry("stroke", "ischemic_stroke", *coded, minute_of(table["recorded_h"]))
    recorded = minute_of(-24.0 * table["history_days"])
    for (name, (in_snomed, in_icd)), preferred in zip(_HISTORY.items(), history, strict=True):
        if stay.person.has(name):
            coded = (SNOMED, *in_snomed) if preferred and in_snomed else (ICD10, *in_icd)
            yield Entry(name.replace("_", "-"), name, *coded, recorded)
    if cause := _CAUSES.get(stay.course.departure.kind):
        yield Entry(cause[0], None, ICD10, *cause[1], minute_of(stay.course.departure.hours - 1.0))


def _pre_stroke_mrs(world: World, stay: SimulatedStay, rng: np.random.Generator) -> int | None:
    charted, points = rng.random(2).tolist()
    if charted < world["no_mrs_share"]:
        return None
    worse: list[float] = form_table()["before_stroke"]["worse_mrs_shares"]
    return 1 + sum(points < share for share in worse) if stay.person.has("pre_stroke_disability") else 0


def _procedures(
    world: World, stay: SimulatedStay, rng: np.random.Generator
) -> tuple[tuple[Done, ...], tuple[DrugEntry, ...]]:
    """Reperfusion done or decided against, and comfort care; thrombolysis may be charted as a drug given."""
    lysis, given, thrombectomy, charted, later = rng.random(5).tolist()
    table, done, drugs = form_table()["reperfusion"], [], []
    if stay.course.delay_h < table["thrombolysis_within_h"] and lysis < world["thrombolysis_share"]:
        if given < table["lysis_administered_share"]:
            text = form_table()["stay_drug"]["thrombolytic"]
            drugs.append(DrugEntry("thrombolysis", text, "given", minute_of(0.8), refers=False))
        else:
            text = "Thrombolysis of cerebral artery"
            done.append(Done("lysis", "thrombolysis", "472191000119101", text, minute_of(0.8)))
    text = "Thrombectomy of artery"
    if not stay.details.declined and thrombectomy < world["thrombectomy_share"]:
        done.append(Done("evt", "thrombectomy", "397046001", text, minute_of(1.5 + 2 * later)))
    elif stay.details.declined and charted < table["declined_charted_share"]:
        done.append(Done("evt", "thrombectomy", "397046001", text, minute_of(1.5), "not-done"))
    if stay.course.departure.kind == "comfort_care":
        hours = stay.course.departure.hours
        done.append(Done("comfort", None, "133918004", "Comfort measures", minute_of(hours)))
    return tuple(done), tuple(drugs)


def _home_drugs(stay: SimulatedStay, rng: np.random.Generator) -> Iterator[DrugEntry]:
    """Home drugs, each charted in one of the forms of ``forms.toml``."""
    kinds: tuple[TreatmentKind, ...] = ("antiplatelet", "anticoagulant", "statin")
    texts = {kind: form_table()["home_drugs"][kind] for kind in kinds}
    moments = {
        "plan": _ADMITTED_H,
        "statement": _ADMITTED_H,
        "reported": _ADMITTED_H,
        "administration": _GIVEN_AT_HOME_H,
    }
    for (kind, two), (second, place, refers) in zip(texts.items(), rng.random((len(texts), 3)).tolist(), strict=True):
        if stay.person.has(kind):
            form = _drug_form(place)
            minute = minute_of(moments.get(form, HOME_H))
            yield DrugEntry(kind, two[second < 0.5], form, minute, refers < form_table()["home_drug_forms"]["refers"])


def _drug_form(place: float) -> DrugForm:
    forms: tuple[DrugForm, ...] = ("community", "reported", "plan", "statement", "administration")
    for form in forms:
        place -= form_table()["home_drug_forms"][form]
        if place < 0:
            return form
    return forms[0]


def _stay_drug(stay: SimulatedStay, rng: np.random.Generator) -> Iterator[DrugEntry]:
    """The aspirin of the stay, ordered or given."""
    table = form_table()["stay_drug"]
    form: DrugForm = "given" if rng.random() < table["administered_share"] else "inpatient"
    if stay.course.departure.hours > table["after_h"] + 1:
        yield DrugEntry("antiplatelet", table["text"], form, minute_of(table["after_h"]), refers=False)
