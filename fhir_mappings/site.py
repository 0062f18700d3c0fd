"""How one hospital writes FHIR, and what it lets us read beyond what is coded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf

from fhir_mappings.local_codes import LocalCodes, translated
from fhir_mappings.quirks import DEFAULT_QUIRKS, Quirk, mended
from fhir_mappings.snapshot import Issue, Raw
from fhir_mappings.text_names import named


@dataclass(frozen=True)
class Site:
    """A site's choices; the default ones suit a server that codes in LOINC.

    ``text_fallbacks``: an Observation without a code of ours may count by its name.
    ``scores_in_notes``: an NIHSS in a report's text may count, and is said.
    ``by_category``: query keys that are searched by an Observation category instead of by codes.
    ``attachment_seconds``: how long the PDF and RTF documents of one chart may take together; a call
    has a deadline (a few pages take 0.12 s, measured), training has none.
    """

    quirks: tuple[Quirk, ...] = DEFAULT_QUIRKS
    local_codes: LocalCodes = field(default_factory=LocalCodes)
    text_fallbacks: bool = False
    scores_in_notes: bool = False
    by_category: Mapping[str, str] = field(default_factory=dict)
    attachment_seconds: float = inf


DEFAULT_SITE = Site()


def prepared(raw: Raw, source: str, site: Site) -> tuple[Raw, tuple[Issue, ...]]:
    """The resource as the FHIR classes take it, its local codes translated, with what a card says of that."""
    raw = translated(mended(raw, site.quirks), site.local_codes)
    return named(raw, source) if site.text_fallbacks else (raw, ())
