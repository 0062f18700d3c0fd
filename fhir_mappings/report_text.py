"""The text of one report, from everywhere it may stand, each part of it once."""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from time import monotonic
from typing import Any

from fhir_mappings.observations import USED
from fhir_mappings.report_filed import Filed, plain_reference
from fhir_mappings.text.decode import UnreadableText, needs_worker, text_in, text_of
from fhir_mappings.text.extract import LIMITS
from fhir_mappings.text.worker import Limits

ENOUGH_WORDS = 40
"""A text that is as long says more than "see attachment" or "normal" (assumption)."""

_LABEL = re.compile(
    r"\b(?:addendum|clinical history|comparison|conclusion|findings|history|impression|indication|technique)[ \d]*"
    r"(?::|\n|$)",
    re.IGNORECASE,
)
_STATEMENT_END = re.compile(r"(?<![.;!?])[.;!?]+(?:\s+|$)|\n\s*\n")  # each run of signs is tried once
_BLANKS = re.compile(r"[^\S\n]{2,}")
_SIGNS = re.compile(r"[-/](?:[ &,(]*+[-/]){3,}")
_CHAIN = re.compile(r"(?<!\S)[^\s/-]*+(?:[/-]++[^\s/-]*+){6,}")
_LETTERS = re.compile(r"([^\W\d_])\1{3,}")
_NOISE = re.compile(r"[\s*_•#]+")


@dataclass(frozen=True)
class Held:
    """What reports refer to: Observations and raw Binary resources, by reference; and until when (`time.monotonic`)."""

    observations: Mapping[str, Any] = field(default_factory=dict)
    binaries: Mapping[str, Any] = field(default_factory=dict)
    until: float = inf

    def limits(self) -> Limits:
        """The limits of a document with what is left of the time."""
        return replace(LIMITS, wall_s=min(LIMITS.wall_s, self.until - monotonic()))


def text_of_filed(filed: Filed, held: Held) -> tuple[str, tuple[str, ...]]:
    """All text of a report, each statement once, and why parts of it are not read.

    Attachments first, then results, conclusion and coded conclusions under the heading of an
    impression; the narrative only where nothing else has text, as it repeats them.
    """
    resource = filed.resource
    if filed.source.startswith("DocumentReference/"):
        parts, reasons = _forms([one.attachment for one in resource.content or ()], resource, held)
        return _joined(parts), tuple(reasons)
    parts, reasons = _forms(resource.presentedForm or (), resource, held)
    _gather(parts, reasons, _results(resource, held), held)
    _gather(parts, reasons, _conclusions(resource, bare=not parts), held)
    if not parts and resource.text is not None and resource.text.div:
        _gather(parts, reasons, [str(resource.text.div)], held)
    return _joined(parts), tuple(dict.fromkeys(reasons))


def statements(text: str) -> frozenset[str]:
    """A text's statements, whole and in lower case, without regard to headings, line breaks and list numbers.

    Whole, because "hemorrhage" must not be found in "no hemorrhage".
    """
    cut = _STATEMENT_END.split(_LABEL.sub(". ", text))
    pieces = (_NOISE.sub(" ", piece).strip(" -\u2013\u2014").lower() for piece in cut)
    return frozenset(piece for piece in pieces if piece and not piece.isdigit())


def _joined(parts: Sequence[str]) -> str:
    """Parts in their order, without those that another one says too."""
    said = [statements(part) for part in parts]
    kept = [
        part
        for number, part in enumerate(parts)
        if not any(said[number] < other for other in said) and said[number] not in said[:number]
    ]
    return without_long_runs("\n".join(kept))


def without_long_runs(text: str) -> str:
    """The text with one blank for several of whatever kind, short lines of signs, and chains of words parted.

    What looks for labels and findings tries every dash and slash as a separator and as part of a word: forty in
    a row take a minute.
    """
    plain = _SIGNS.sub(lambda run: 3 * run[0][0], _BLANKS.sub(" ", text))
    plain = _CHAIN.sub(lambda chain: chain[0].replace("-", " ").replace("/", " "), plain)
    return _LETTERS.sub(lambda run: 3 * run[1], plain)


def _gather(parts: list[str], reasons: list[str], strings: Iterable[str], held: Held) -> None:
    for string in strings:
        try:
            text = text_in(string, held.limits())
        except UnreadableText as error:
            reasons.append(f"a text is not read: {error}")
            continue
        parts += [text] if text else []


def _forms(attachments: Sequence[Any], resource: Any, held: Held) -> tuple[list[str], list[str]]:
    """The texts of attachments, those that cost no process first, and why others are not read.

    They are one text in several formats (FHIR R4, DiagnosticReport.presentedForm and
    DocumentReference.content): where one was read that says more than "see attachment", no other
    is missed, and no process is started for it.
    """
    texts: list[str] = []
    reasons: list[str] = []
    found: list[tuple[str | None, bytes]] = []
    for attachment in attachments:
        try:
            found.append(_bytes_of(attachment, resource, held))
        except UnreadableText as error:
            reasons.append(str(error))
    for content_type, data in sorted(dict.fromkeys(found), key=lambda form: needs_worker(*form)):
        if needs_worker(content_type, data) and _says_enough(texts):
            break
        try:
            texts.append(text_of(content_type, data, held.limits()))
        except UnreadableText as error:
            reasons.append(f"an attachment is not read: {error}")
    return [text for text in texts if text], [] if _says_enough(texts) else reasons


def _says_enough(texts: Iterable[str]) -> bool:
    return any(len(text.split()) >= ENOUGH_WORDS for text in texts)


def _bytes_of(attachment: Any, resource: Any, held: Held) -> tuple[str | None, bytes]:
    """Content type and bytes of an attachment, here or in a Binary that was fetched. Raises `UnreadableText`."""
    if attachment is not None and attachment.data:
        return attachment.contentType, bytes(attachment.data)  # decoded from base64 when it was validated
    url = plain_reference(attachment.url) if attachment is not None and attachment.url else ""
    if url.startswith("#") and (binary := _contained(resource, url)):
        return binary.contentType or attachment.contentType, bytes(binary.data or b"")
    raw = held.binaries.get(url)
    if not isinstance(raw, Mapping) or not isinstance(raw.get("data"), str):
        raise UnreadableText("an attachment was not fetched" if url else "an attachment without data is not read")
    declared = raw.get("contentType")
    kind = declared if isinstance(declared, str) else attachment.contentType
    if len(raw["data"]) > 2 * LIMITS.bytes_in:  # base64 is a third longer than its bytes
        raise UnreadableText("an attachment is not read: it is too large")
    try:
        return kind, b64decode(raw["data"])
    except (binascii.Error, ValueError) as error:
        raise UnreadableText("an attachment is not read: it is not base64") from error


def _contained(resource: Any, url: str) -> Any:
    return next((one for one in resource.contained or () if f"#{one.id}" == url), None)


def _results(resource: Any, held: Held) -> Iterator[str]:
    """Results that are texts, each under its name: "Impression: ..."."""
    for link in resource.result or ():
        reference = plain_reference(link.reference or "")
        found = held.observations.get(reference) or _contained(resource, reference)
        if found is None or found.get_resource_type() != "Observation" or found.status not in USED:
            continue
        value = found.valueString or _words(found.valueCodeableConcept)
        if value:
            yield f"{_words(found.code) or 'Result'}: {value}"


def _conclusions(resource: Any, *, bare: bool) -> Iterator[str]:
    """The conclusion, and the coded ones that it does not say; under a heading unless they are all there is."""
    conclusion = resource.conclusion or ""
    said = statements(conclusion)
    coded = [words for concept in resource.conclusionCode or () if (words := _words(concept))]
    more = [words for words in dict.fromkeys(coded) if not statements(words) <= said]
    if conclusion.strip():
        yield conclusion if bare else f"IMPRESSION: {conclusion}"
    if more:
        yield f"IMPRESSION: {'. '.join(more)}."


def _words(concept: Any) -> str:
    if concept is None:
        return ""
    return concept.text or next((one.display for one in concept.coding or () if one.display), "")
