"""Times, numbers, units, codes and words as servers send them, now and then odd, as hypothesis strategies."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from fhir_mappings.codes import MRS_CODE, ONSET_CODE, analyte_codes, nihss_codes
from tests.builders import LOINC, PATIENT_ID, SNOMED, T0, UCUM

Json = Any
Members = dict[str, SearchStrategy[Json]]

LOCAL = "urn:oid:1.2.3"


@st.composite
def mostly(draw: st.DrawFn, good: SearchStrategy[Json], odd: SearchStrategy[Json]) -> Json:
    """The one nineteen times in twenty, or the members together would spoil nearly every resource."""
    return draw(odd if draw(st.integers(0, 19)) == 19 else good)


_DAY = T0.replace(tzinfo=None)
times = mostly(
    st.datetimes(_DAY, _DAY + timedelta(hours=30), timezones=st.just(UTC)).map(datetime.isoformat)
    | st.sampled_from(["2026-03-02T09:00:00+01:00", "2026-03-02T10:00+0100", "2026-03-02T10:00Z", "2026-03-02"]),
    st.sampled_from([
        "2026", "2026-03-02T24:00:00Z", "2026-02-30T10:00:00Z", "2026-03-02T23:59:60Z", "2026-03-02T10:00:00",
        "2026-03-02T10:00:00.123456789Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1899-12-31", "",
        "2026-03-02T10:00:00+99:00", "2026-03-02 10:00", "20260302", "0000-00-00", "today", None, 7,
    ]),
)  # fmt: skip
numbers = mostly(
    st.integers(0, 42) | st.integers(0, 4000).map(lambda tenths: tenths / 10) | st.sampled_from(["5.4", "<0.27"]),
    st.sampled_from([
        -1, 1e300, -1e300, 10**30, 1e-300, math.nan, math.inf, -math.inf, True, None, "5,4", "1,234", "NaN", "7+X",
        "0x1F", "1e5", "٣", "", [5], {"value": 5},
    ]),
)  # fmt: skip
units = mostly(
    st.sampled_from([
        "mg/dL", "mmol/L", "ug/mL FEU", "ng/mL{DDU}", "mm[Hg]", "K/uL", "°F", "10*9/L", "%", "{score}", "1", "[degF]",
        "Cel", "µmol/L",
    ]),
    st.sampled_from(["mg/L FEU DDU", "10*99999999/L", " ", "", "mg/dL/dL", "((((mg))))", "m" * 500, "a\x00b", None, 5])
    | st.text(max_size=12),
)  # fmt: skip
codes = mostly(
    st.sampled_from([
        *analyte_codes(), *nihss_codes(), *nihss_codes(), MRS_CODE, ONSET_CODE, "85354-9", "55284-4", "72166-2",
        "2524-7", "422504002", "I63.9", "397046001", "8410", "30799-1", "LP29684-5", "RAD", "NIH",
    ]),
    st.sampled_from(["8480-6 ", "", None, 7]),
)  # fmt: skip
systems = mostly(
    st.sampled_from([
        LOINC, LOINC, "https://loinc.org/", SNOMED, LOCAL, "http://hl7.org/fhir/sid/icd-10-cm",
        "http://www.nlm.nih.gov/research/umls/rxnorm", "http://terminology.hl7.org/CodeSystem/data-absent-reason",
    ]),
    st.sampled_from(["", None, 7]),
)  # fmt: skip
words = mostly(
    st.sampled_from([
        "NIHSS", "NIHSS total 7", "Glucose", "H", "12", "7+X", "120/80", "120/80 mmHg", "<0.27 ug/mL FEU", "5.4 mg/dL",
        "UN", "Ischemic stroke", "alteplase", "aspirin", "No hemorrhage. Left M1 occlusion. ASPECTS 7.", "NIHSS 7 -> 9",
        "IMP", "EMER", "community", "error", "not-performed", "order", "plan", "female", "<b>x</b>",
    ]),
    st.sampled_from(["", "\x00", "é" * 300, "\u202e", "a" * 5000, None, 5, ["x"]]) | st.text(max_size=20),
)  # fmt: skip
types = st.sampled_from([
    "text/plain", "text/html", "application/xhtml+xml", "text/plain; charset=utf-16", "text/plain; charset=nonsense",
    "application/octet-stream",
])  # fmt: skip
bytes_sent = mostly(
    st.sampled_from(["Tm8gaGVtb3JyaGFnZS4=", "PGI+TTEgb2NjbHVzaW9uPC9iPg==", "//8=", "TQ==\nTQ=="]),
    st.sampled_from(["not base64", "", None, 7]),
)
references = mostly(
    st.sampled_from([
        f"Patient/{PATIENT_ID}", "Encounter/stay", "Encounter/e_2", "Observation/o1", "DiagnosticReport/r1",
        "https://ehr.example/fhir/Encounter/stay/_history/2", "Medication/m1",
    ]),
    st.sampled_from(["Patient/other", "#contained", "urn:uuid:1", "", "/", None, 5]),
)  # fmt: skip

json_values: SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | numbers | times | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def members(required: Members, optional: Members) -> SearchStrategy[dict[str, Json]]:
    """An object with all of the one and some of the other members."""
    return st.fixed_dictionaries(required, optional=optional)


def some(of: SearchStrategy[Json]) -> SearchStrategy[list[Json]]:
    """A short list."""
    return st.lists(of, max_size=3)


def either(**choices: SearchStrategy[Json]) -> SearchStrategy[dict[str, Json]]:
    """An object with one of these members, or, seldom, with none."""
    names = st.sampled_from(sorted(choices))
    return mostly(names.flatmap(lambda name: members({name: choices[name]}, {})), st.just({}))


@st.composite
def merged(draw: st.DrawFn, *parts: SearchStrategy[dict[str, Json]]) -> dict[str, Json]:
    """One object with the members of all."""
    whole: dict[str, Json] = {}
    for part in parts:
        whole |= draw(part)
    return whole


codings = mostly(
    members({"system": systems, "code": codes}, {"display": words}),
    members({}, {"system": systems, "code": codes, "display": words}),
)
concepts = mostly(
    members({"coding": st.lists(codings, min_size=1, max_size=2), "text": words}, {}),
    members({}, {"coding": some(codings), "text": words}),
)


def coded(system: str, *known: str) -> SearchStrategy[dict[str, Json]]:
    """A concept with one of these codes, more often than not."""
    return mostly(st.sampled_from(known).map(lambda code: {"coding": [{"system": system, "code": code}]}), concepts)


periods = members({}, {"start": times, "end": times})
links = members({"reference": references}, {"display": words, "type": words})
quantities = members(
    {"value": numbers},
    {
        "unit": units,
        "code": units,
        "system": st.just(UCUM),
        "comparator": st.sampled_from(["<", ">", "<=", "~", ""]),
    },
)
attachments = members({}, {"contentType": types, "data": bytes_sent, "url": words, "title": words, "hash": bytes_sent})
values: Members = {
    "valueQuantity": quantities, "valueInteger": numbers, "valueString": words, "valueCodeableConcept": concepts,
    "valueBoolean": st.booleans(), "valueDateTime": times, "valueRange": members({}, {"low": quantities}),
    "valueRatio": members({}, {"numerator": quantities}),
}  # fmt: skip
one_value = st.sampled_from([*values, "valueQuantity", "valueQuantity", "valueString"]).flatmap(
    lambda name: members({name: values[name]}, {})
)
