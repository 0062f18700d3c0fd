"""What the sentences of the reports say: stroke findings with assertion, side, site, grade and number."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fhir_mappings.inputs import Assertion, Finding, Sentence
from fhir_mappings.text.assertion import assertion_of
from fhir_mappings.text.clauses import Clause, clauses
from fhir_mappings.text.finding_rules import FindingRule, lexicon
from fhir_mappings.text.members import grade_of, side_of, sided_percents, site_of, value_of
from fhir_mappings.text.spelling import in_one_spelling
from fhir_mappings.text.symptoms import read_symptoms, symptoms

_STRENGTH: tuple[Assertion, ...] = ("present", "uncertain", "absent", "historical", "asked")
_MEMBERS = ("side", "site", "grade", "value")
_Span = tuple[int, int]


def read_findings(sentences: Sequence[Sentence]) -> tuple[Finding, ...]:
    """Every finding that a sentence mentions.

    At most once a sentence, its strongest mention, but for what is told of two sides or sites: "left M1 patent,
    right M1 occluded".
    """
    return tuple(finding for place, sentence in enumerate(sentences) for finding in _in_sentence(sentence, place))


def label_of(name: str) -> str:
    """What a card calls a finding."""
    return symptoms().get(name) or next(rule.label for rule in lexicon()[1] if rule.name == name)


def _in_sentence(sentence: Sentence, place: int) -> list[Finding]:
    text = in_one_spelling(sentence.text)
    rules = [rule for rule in lexicon()[1] if rule.may_match(text)]
    parts = clauses(text) if rules else ()
    imaging = (_told_apart([one for part in parts for one in _mentions(rule, part, sentence, place)]) for rule in rules)
    return [*(one for found in imaging for one in found), *read_symptoms(sentence.text, place)]


def _told_apart(mentions: Sequence[Finding]) -> list[Finding]:
    """The strongest mention with all that is said of it, then those of another side, site or number."""
    kept: list[Finding] = []
    for one in sorted(mentions, key=lambda mention: _STRENGTH.index(mention.assertion)):
        same = next((number for number, other in enumerate(kept) if not _differs(one, other)), None)
        if same is None:
            kept.append(one)
        elif kept[same].assertion == one.assertion:
            kept[same] = _joined(kept[same], one)
    return kept


def _differs(one: Finding, other: Finding) -> bool:
    """True where both say a side, a site or a number, and not the same."""
    said = ((getattr(one, member), getattr(other, member)) for member in ("side", "site", "value"))
    return any(mine is not None and theirs is not None and mine != theirs for mine, theirs in said)


def _joined(one: Finding, other: Finding) -> Finding:
    missing = {name: getattr(other, name) for name in _MEMBERS if getattr(one, name) is None}
    return replace(one, **missing)


def _mentions(rule: FindingRule, clause: Clause, sentence: Sentence, place: int) -> Iterator[Finding]:
    """The mentions of one finding in one clause."""
    text = clause.text
    if (rule.not_in and rule.not_in.search(text)) or (rule.needs and not rule.needs.search(text)):
        return
    weak = [] if rule.not_weak and rule.not_weak.search(text) else _spans(rule, "weak", clause)
    says, normal = _without_overlap(_spans(rule, "says", clause) + weak, _spans(rule, "normal", clause))
    yield from (_finding(rule, clause, span, "absent", place) for span in normal)
    yield from (_finding(rule, clause, span, "historical", place) for span in _spans(rule, "historical", clause))
    said = [(span, how) for span in says if (how := _asserted(rule, clause, span, sentence)) is not None]
    for span, how in _hedged_together(said, clause):
        yield from _numbered(rule, clause, _finding(rule, clause, span, how, place))
    if rule.bare and not says:
        for span in _spans(rule, "bare", clause):
            if (how := _asserted(rule, clause, span, sentence)) in ("absent", "asked"):
                yield _finding(rule, clause, span, how, place)


def _without_overlap(says: list[_Span], normal: list[_Span]) -> tuple[list[_Span], list[_Span]]:
    """Mentions that no statement of normality covers, and those statements that stand in no mention.

    "Non-occlusive thrombus" is normal, "lost its normal gray-white border" is a mention.
    """
    normal = [one for one in normal if not any(other[0] < one[0] and one[1] <= other[1] for other in says)]
    return [span for span in says if not any(_touch(span, other) for other in normal)], normal


def _hedged_together(said: list[tuple[_Span, Assertion]], clause: Clause) -> list[tuple[_Span, Assertion]]:
    """A hedge counts for what leads up to it: "sulcal effacement suspicious for early ischemia" is one doubt."""
    last = max((span[0] for span, how in said if how == "uncertain"), default=-1)
    return [
        (span, "uncertain" if how == "present" and span[1] < last and "," not in clause.text[span[1] : last] else how)
        for span, how in said
    ]


def _spans(rule: FindingRule, part: str, clause: Clause) -> list[_Span]:
    """Where a part of the rule matches, but for phrases that mean something else."""
    pattern = getattr(rule, part)
    found = [match.span() for match in pattern.finditer(clause.text)] if pattern else []
    other = [match.span() for match in rule.other.finditer(clause.text)] if rule.other and found else []
    kept = (span for span in found if not any(one[0] < span[1] and span[0] < one[1] for one in other))
    return [span for span in kept if not _means_else(rule, clause, *span)]


def _means_else(rule: FindingRule, clause: Clause, start: int, end: int) -> bool:
    before, after = clause.phrase(start, end)
    beside = rule.not_beside is not None and rule.not_beside.search(clause.text[before:after]) is not None
    return beside or (rule.not_before is not None and rule.not_before.search(clause.text[before:end]) is not None)


def _asserted(rule: FindingRule, clause: Clause, span: _Span, sentence: Sentence) -> Assertion | None:
    """How a mention is asserted, by the conventions of its finding; None where it then says nothing."""
    said: Assertion = "present" if rule.always else assertion_of(clause, *span, section=sentence.section)
    if said == "absent" and rule.never_absent:
        return None
    past = rule.old is not None and any(_touch(span, one.span()) for one in rule.old.finditer(clause.text))
    if rule.name == "old_infarct" and said in ("present", "historical"):
        # Seen on this scan it is present, though long past.
        return "historical" if past or sentence.section in ("history", "comparison") else "present"
    return "historical" if past and said == "present" else said


def _numbered(rule: FindingRule, clause: Clause, finding: Finding) -> list[Finding]:
    """A stenosis of each side where two are told, else the finding as it is."""
    two = list(sided_percents(clause)) if rule.number == "percent" and finding.assertion == "present" else []
    return [replace(finding, value=value, side=side) for value, side in two] or [finding]


def _finding(rule: FindingRule, clause: Clause, span: _Span, said: Assertion, place: int) -> Finding:
    return Finding(
        name=rule.name,
        assertion=said,
        sentence=place,
        side=side_of(rule, clause, *span),
        site=site_of(clause, *span) if rule.name == "occlusion" else None,
        grade=grade_of(rule, clause, *span),
        value=value_of(rule, clause, *span) if said not in ("absent", "asked") else None,
    )


def _touch(one: _Span, other: _Span) -> bool:
    """True where two spans overlap or all but touch, as in "micro-hemorrhage"."""
    return one[0] <= other[1] + 1 and other[0] <= one[1] + 1
