"""Resources shaped like FHIR, as hypothesis strategies: mostly what a server could send, with junk in places.

Members are plausible one by one and seldom fit together; `spoiled` then puts anything anywhere.
"""

from collections.abc import Iterator

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fhir_mappings.chart import RawChart
from fhir_mappings.codes import analyte_codes, analytes, nihss_codes
from fhir_mappings.local_codes import LocalCode, LocalCodes
from fhir_mappings.site import DEFAULT_SITE, Site
from tests.builders import LOINC, PATIENT_ID, SNOMED, Resource, condition, encounter, patient, subject
from tests.fhir_mappings.fhir_values import (
    LOCAL,
    Json,
    attachments,
    bytes_sent,
    coded,
    codes,
    codings,
    concepts,
    either,
    json_values,
    links,
    members,
    merged,
    mostly,
    numbers,
    one_value,
    periods,
    some,
    times,
    types,
    words,
)

OPEN_SITE = Site(
    local_codes=LocalCodes({(LOCAL, "NIH"): LocalCode(LOCAL, "NIH", "NIHSS", LOINC, "72089-6", "map.json:1")}),
    text_fallbacks=True,
    scores_in_notes=True,
)
"""A site that lets us read all that can be read."""
BARE_SITE = Site(quirks=())


@st.composite
def measured(draw: st.DrawFn, extra: SearchStrategy[dict[str, Json]]) -> dict[str, Json]:
    """Code and value, as an Observation and its components have them; a value fits its code half of the time."""
    code = draw(st.sampled_from([*analyte_codes(), *nihss_codes()]))
    known = {"coding": [{"system": LOINC, "code": code}]}
    row = analyte_codes().get(code)
    fits = {"valueInteger": 2}
    if row:
        low, high = analytes()[row.analyte].plausible
        fits = {"valueQuantity": {"value": round((low * high) ** 0.5, 2), "unit": analytes()[row.analyte].unit}}
    value = draw(st.just(fits) | one_value | st.just({}))
    reason = mostly(st.just({}), members({}, {"dataAbsentReason": concepts, "interpretation": some(concepts)}))
    return {"code": draw(mostly(st.just(known), concepts))} | value | draw(reason) | draw(extra)


_notes = some(members({"text": words}, {}))
observations = measured(
    merged(
        either(effectiveDateTime=times, effectivePeriod=periods, effectiveInstant=times),
        members(
            {},
            {
                "issued": times, "component": some(measured(st.just({}))), "hasMember": some(links), "note": _notes,
                "derivedFrom": some(links), "method": concepts, "category": some(concepts), "encounter": links,
            },
        ),
    )
)  # fmt: skip
reports = merged(
    either(effectiveDateTime=times, effectivePeriod=periods),
    members(
        {"code": coded(LOINC, "30799-1", "24725-4", "30657-1"), "conclusion": words},
        {
            "issued": times, "category": some(coded(LOINC, "LP29684-5")), "conclusionCode": some(concepts),
            "presentedForm": some(attachments), "result": some(links),
            "text": members({"status": st.just("generated"), "div": words}, {}),
        },
    ),
)  # fmt: skip
conditions = merged(
    either(onsetDateTime=times, onsetPeriod=periods, onsetString=words),
    members(
        {"code": coded(SNOMED, "422504002", "432504007", "49436004", "38341003")},
        {
            "clinicalStatus": concepts, "verificationStatus": concepts, "category": some(concepts),
            "abatementDateTime": times, "recordedDate": times, "encounter": links,
        },
    ),
)  # fmt: skip
encounters = members(
    {"class": st.sampled_from(["IMP", "EMER", "AMB"]).map(lambda code: {"code": code}) | codings, "period": periods},
    {
        "partOf": links, "reasonCode": some(concepts),
        "hospitalization": members({}, {"dischargeDisposition": concepts}),
        "diagnosis": some(members({"condition": links}, {"use": concepts})),
    },
)  # fmt: skip
procedures = merged(
    either(performedDateTime=times, performedPeriod=periods, performedString=words),
    members(
        {"code": coded(SNOMED, "397046001", "472191000119101", "21710002")},
        {"encounter": links, "statusReason": concepts, "note": _notes},
    ),
)
_drug = either(
    medicationCodeableConcept=coded("http://www.nlm.nih.gov/research/umls/rxnorm", "8410", "1191", "83367"),
    medicationReference=links,
)
requests = merged(
    _drug,
    members(
        {"intent": st.sampled_from(["order", "plan"])},
        {"authoredOn": times, "category": some(concepts), "reportedBoolean": st.booleans(), "encounter": links,
         "doNotPerform": st.booleans()},
    ),
)  # fmt: skip
statements = merged(
    _drug,
    either(effectiveDateTime=times, effectivePeriod=periods),
    members({}, {"dateAsserted": times, "category": concepts, "context": links}),
)
administrations = merged(
    _drug,
    either(effectiveDateTime=times, effectivePeriod=periods),
    members({}, {"category": concepts, "context": links}),
)
medications = members({"code": concepts}, {})
answers = either(valueInteger=numbers, valueDecimal=numbers, valueString=words, valueCoding=codings)
link_ids = mostly(st.sampled_from(nihss_codes()).map(lambda code: f"/{code}"), codes | words)
items = st.recursive(
    members({"linkId": link_ids, "answer": some(answers)}, {"text": words}),
    lambda inner: members({"linkId": link_ids, "item": some(inner)}, {"text": words}),
    max_leaves=5,
)
forms = members({"authored": times, "item": some(items)}, {"questionnaire": words, "encounter": links})
documents = members(
    {"content": st.lists(members({"attachment": attachments}, {}), min_size=1, max_size=2)},
    {"type": coded(LOINC, "18748-4", "11528-7"), "category": some(concepts), "date": times, "description": words,
     "docStatus": words, "context": members({}, {"period": periods, "encounter": some(links)})},
)  # fmt: skip
patients = merged(
    either(deceasedBoolean=st.booleans(), deceasedDateTime=times),
    members({}, {"birthDate": mostly(st.just("1950-01-01"), times), "gender": words}),
)
binaries = members({"contentType": types, "data": bytes_sent}, {})

SHAPES: dict[str, SearchStrategy[dict[str, Json]]] = {
    "Observation": observations, "DiagnosticReport": reports, "Condition": conditions, "Encounter": encounters,
    "Procedure": procedures, "MedicationRequest": requests, "MedicationStatement": statements,
    "MedicationAdministration": administrations, "Medication": medications,
    "QuestionnaireResponse": forms, "DocumentReference": documents, "Patient": patients,
    "Binary": binaries,
}  # fmt: skip
_STATUS = {
    "Observation": ["final", "preliminary", "cancelled", "entered-in-error"],
    "DiagnosticReport": ["final", "preliminary", "appended"], "Encounter": ["in-progress", "finished"],
    "Procedure": ["completed", "not-done"], "MedicationRequest": ["active", "stopped"],
    "MedicationStatement": ["active", "not-taken"], "MedicationAdministration": ["completed", "not-done"],
    "QuestionnaireResponse": ["completed", "in-progress"], "DocumentReference": ["current", "superseded"],
}  # fmt: skip
_NOBODYS = ("Patient", "Medication", "Binary")
_IDS = ("o1", "e1", "r1", "m1", "e_2", PATIENT_ID, "x" * 64)


@st.composite
def resources(draw: st.DrawFn) -> Resource:
    """One resource of a type that we read, of our patient more often than not, spoiled in up to two places."""
    kind = draw(st.sampled_from(["Observation", "Observation", "DiagnosticReport", *SHAPES]))
    resource = {"resourceType": kind, "id": PATIENT_ID if kind == "Patient" else draw(st.sampled_from(_IDS))}
    resource |= draw(SHAPES[kind]) | ({} if kind in _NOBODYS else {"subject": subject()})
    if kind in _STATUS:
        resource["status"] = draw(mostly(st.just(_STATUS[kind][0]), st.sampled_from(_STATUS[kind]) | words))
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        resource = draw(spoiled(resource))
    return resource


@st.composite
def spoiled(draw: st.DrawFn, resource: Resource) -> Resource:
    """The resource with anything at all in one of its places."""
    place = draw(st.sampled_from(list(_places(resource)) or [()]))
    new = draw(json_values | st.sampled_from([1, 20, 50, 100, 200, 400]).map(nested))
    whole = _replaced(resource, place, new)
    return whole if isinstance(whole, dict) else resource


def nested(depth: int) -> Json:
    """An extension within an extension, so many levels deep."""
    node: Json = {"url": "urn:x", "valueString": "x"}
    for _ in range(depth):
        node = {"extension": [node]}
    return node


def _places(node: Json, here: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, value in inner:
        yield (*here, step)
        yield from _places(value, (*here, step))


def _replaced(node: Json, place: tuple[str | int, ...], new: Json) -> Json:
    if not place:
        return new
    step, rest = place[0], place[1:]
    if isinstance(node, list):
        return [_replaced(one, rest, new) if number == step else one for number, one in enumerate(node)]
    return {name: _replaced(one, rest, new) if name == step else one for name, one in node.items()}


@st.composite
def charts(draw: st.DrawFn, most: int = 6) -> RawChart:
    """A stay for an ischemic stroke, where nothing took its place, and up to so many resources besides."""
    base = (patient(), encounter("stay"), condition(id_="stroke"))
    held = tuple(draw(st.lists(resources(), min_size=1, max_size=most)))
    return RawChart(PATIENT_ID, {"base": draw(st.sampled_from([base, base[:1], ()])), "held": held})


sites = st.sampled_from([DEFAULT_SITE, OPEN_SITE, BARE_SITE])
