"""What the reports of CT or MRI scans say up to a moment, for the scores that ask for them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from fhir_mappings.inputs import Finding, ModelInputs, Sentence
from fhir_mappings.snapshot import ClinicalSnapshot
from fhir_mappings.text.clauses import clauses
from fhir_mappings.text.findings import read_findings
from fhir_mappings.text.members import site_of
from fhir_mappings.text.spelling import in_one_spelling

FIRST_DAY = timedelta(hours=24)

_MRI = re.compile(r"\b(MRI?|DWI|magnetic resonance)\b", re.IGNORECASE)
_NOT_THIS_SCAN = frozenset({"asked", "historical"})


def findings_on(
    scan: Literal["CT", "MRI"], snapshot: ClinicalSnapshot, inputs: ModelInputs, until: datetime
) -> tuple[Finding, ...]:
    """The findings of scans made up to ``until``; MRI where a report's title says so, else CT."""
    reports = {
        report.source for report in snapshot.reports
        if report.effective <= until and (scan == "MRI") == bool(_MRI.search(report.title))
    }  # fmt: skip
    return tuple(finding for finding in inputs.findings if inputs.sentences[finding.sentence].report in reports)


def first_day(snapshot: ClinicalSnapshot) -> datetime:
    """24 h after last known well, else after arrival."""
    begin = snapshot.last_known_well or (snapshot.stay.t0 if snapshot.stay else snapshot.as_of)
    return begin + FIRST_DAY


def said(findings: Sequence[Finding], *names: str) -> bool | None:
    """True where one of these is read as present, False where only as absent, None where neither or in doubt."""
    assertions = {finding.assertion for finding in findings if finding.name in names} - _NOT_THIS_SCAN
    if "present" in assertions:
        return True
    return False if assertions == {"absent"} else None


def early_infarct(findings: Sequence[Finding]) -> bool | None:
    """Whether a scan before treatment shows signs of infarction; to deny an infarct alone does not deny its signs."""
    seen = said(findings, "early_ischemic_change", "mca_infarct")
    return said(findings, "early_ischemic_change") if seen is False else seen


def present(findings: Sequence[Finding], name: str) -> tuple[Finding, ...]:
    """The mentions of a finding that are asserted as present."""
    return tuple(finding for finding in findings if (finding.name, finding.assertion) == (name, "present"))


def values(findings: Sequence[Finding], name: str) -> tuple[float, ...]:
    """The numbers told with a finding that is present."""
    return tuple(finding.value for finding in present(findings, name) if finding.value is not None)


def vessel_sign_in(site: str, findings: Sequence[Finding], inputs: ModelInputs) -> bool | None:
    """Whether a susceptibility vessel sign lies in that segment; None where its segment is not told."""
    mentions = present(findings, "susceptibility_sign")
    if not mentions:
        return said(findings, "susceptibility_sign")
    sites = {one for mention in mentions for one in _sites(inputs.sentences[mention.sentence])}
    if site in sites:
        return True
    return False if sites and None not in sites else None


def _sites(sentence: Sentence) -> Iterator[str | None]:
    """The segment in each clause that tells of the sign; none where no clause does by itself."""
    for clause in clauses(in_one_spelling(sentence.text)):
        if present(read_findings((replace(sentence, text=clause.text),)), "susceptibility_sign"):
            yield site_of(clause, 0, len(clause.text))
