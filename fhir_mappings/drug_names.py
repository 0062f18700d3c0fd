"""Which classes of drugs a resource is about: its concept, looked up where it is a reference, and what that names."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from fhir_mappings.codes import table
from fhir_mappings.observations import codings_of
from fhir_mappings.value_sets import ATC, drug_of, value_set

_MEDICATION = re.compile(r"(?:^|/)(Medication/[A-Za-z0-9.-]{1,64})(?:/_history/[^/]+)?$")
_UUID = re.compile(r"urn:uuid:([0-9A-Fa-f-]{36})")
_LONGEST_NAME = 500
"""Beyond so many characters a text is no name of a drug."""


@dataclass(frozen=True)
class Drug:
    """The classes that a drug belongs to, what the chart calls it, and why it may belong to others.

    ``denied`` are classes that the text names and denies; ``unknown`` says why the drug cannot be told.
    """

    kinds: tuple[str, ...]
    text: str = ""
    denied: tuple[str, ...] = ()
    unknown: str | None = None


def drug_named(resource: Any, medications: Mapping[str, Any]) -> Drug:
    """The drug of an order, a statement or an administration.

    ``medications`` resolves ``medicationReference`` by ``Medication/id``. Of a Medication the code counts,
    and its active ingredients where that names no class.
    """
    if resource.medicationCodeableConcept is not None:
        return _of_concepts([resource.medicationCodeableConcept])
    reference = resource.medicationReference
    medication = _looked_up(reference, resource, medications)
    if medication is None:
        named = _of_texts([reference.display if reference else None], ())
        return named if named.kinds or named.denied else Drug((), unknown="the drug it refers to was not found")
    if getattr(medication, "status", None) == "entered-in-error":
        return Drug((), unknown="the drug it refers to was entered in error")
    whole = _of_concepts([medication.code])
    if whole.kinds or whole.denied:
        return whole
    parts = _of_concepts(_ingredients(medication, resource, medications))
    return parts if parts.kinds or parts.denied or whole.unknown else whole


def _looked_up(reference: Any, resource: Any, medications: Mapping[str, Any]) -> Any:
    """What a reference leads to: a contained resource, or a Medication by URL (also versioned) or UUID."""
    link = reference.reference if reference else None
    if not link:
        return None
    if link.startswith("#"):
        return next((one for one in resource.contained or () if f"#{one.id}" == link and hasattr(one, "code")), None)
    if found := _UUID.fullmatch(link):
        return medications.get(f"Medication/{found[1]}")
    found = _MEDICATION.search(link)
    return medications.get(found[1]) if found else None


def _ingredients(medication: Any, resource: Any, medications: Mapping[str, Any]) -> Iterator[Any]:
    """The concepts of what a Medication is made of; inactive parts count not."""
    for part in getattr(medication, "ingredient", None) or ():
        if part.isActive is False:
            continue
        held = _looked_up(part.itemReference, resource, medications)
        yield part.itemCodeableConcept or (held.code if held else None)


def _of_concepts(concepts: Iterable[Any]) -> Drug:
    held = [concept for concept in concepts if concept is not None]
    codings = [coding for concept in held for coding in codings_of(concept)]
    displays = [coding.display for concept in held for coding in concept.coding or ()]
    texts = [concept.text for concept in held if concept.text] + [text for text in displays if text]
    drug = _of_texts(texts, codings)
    if drug.kinds or drug.denied or texts or any(system == ATC for system, _ in codings):
        return drug
    return Drug((), unknown="its drug has a code that is not known and no name" if codings else "it names no drug")


def _of_texts(texts: Iterable[str | None], codings: Iterable[tuple[str | None, str | None]]) -> Drug:
    said = [text for text in texts if text]
    named = [_named_in(text[:_LONGEST_NAME].lower()) for text in said]
    affirmed = {kind for one in named for kind, stands in one if stands}
    denied = {kind for one in named for kind, stands in one if not stands} - affirmed
    coded = {kind for coding in codings if (kind := drug_of([coding]))}
    kinds = affirmed | (coded - denied)
    order = tuple(value_set("drugs"))
    return Drug(
        tuple(kind for kind in order if kind in kinds),
        said[0] if said else "",
        tuple(kind for kind in order if kind in denied),
    )


def _named_in(text: str) -> list[tuple[str, bool]]:
    """Each class that the text names by a whole word, and whether it stands: False where its words deny it."""
    before, behind = _denials()
    return [
        (kind, not (before.search(text[: name.start()]) or behind.match(text[name.end() :])))
        for kind, pattern in _names().items()
        for name in pattern.finditer(text)
    ]


def is_for_a_catheter(resource: Any, drug: Drug) -> bool:
    """True where a thrombolytic opens a blocked catheter, by the words of its name, route or dosage."""
    dosage = getattr(resource, "dosage", None)
    told = [drug.text]
    if dosage is not None and not isinstance(dosage, list):  # an administration has one
        route = dosage.route
        told += [dosage.text, *([route.text, *(one.display for one in route.coding or ())] if route else [])]
    return _catheter().search(" ".join(text.lower() for text in told if text)) is not None


@cache
def _names() -> Mapping[str, re.Pattern[str]]:
    """A pattern a class; letters bound a word, so that ``aspirin81mg`` names aspirin and ``prourokinase`` nothing."""
    return {kind: re.compile(_word(row["names"])) for kind, row in value_set("drugs").items()}


@cache
def _denials() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What denies a name before it, up to the name, and behind it, from the name's end on."""
    words = table("drug_words.toml")
    before = re.compile(rf"{_word(words['before'])}\W+(?:{_word(words['fillers'])}\W+)*$")
    behind = re.compile(rf"\W+(?:{_word(words['after'])}|(?:[\w.,%/]+\W+){{0,3}}?{_word(words['later'])})")
    return before, behind


@cache
def _catheter() -> re.Pattern[str]:
    return re.compile(_word(table("drug_words.toml")["catheter"]))


def _word(words: Iterable[str]) -> str:
    longest_first = sorted(words, key=len, reverse=True)
    return rf"(?<![a-z])(?:{'|'.join(map(re.escape, longest_first))})(?![a-z])"
