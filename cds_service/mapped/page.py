"""What was read from a chart, as a page of plain text."""

from collections.abc import Iterator, Sequence
from typing import Any

Json = dict[str, Any]

_MOST_CODES = 40


def page(found: Json) -> str:
    """The page of what `described` found: who and when, inputs, NIHSS, reports, what was left out, unknown codes."""
    blocks = ("\n".join(block(found)) for block in (_head, _inputs, _nihss, _reports, _facts, _left_out, _unknown))
    return "\n\n".join(block for block in blocks if block)


def _head(found: Json) -> Iterator[str]:
    patient, stay = found["patient"], found["stay"]
    age = "age unknown" if patient["ageYears"] is None else f"{patient['ageYears']} years"
    yield f"Patient/{patient['id']}  {age}, {patient['sex'] or 'sex unknown'}   as of {_time(found['asOf'])}"
    if stay is None:
        yield "Stay         none found: the time of arrival is unknown, so no input can be placed in time"
    else:
        yield f"Stay         {', '.join(stay['encounters'])}; reasons: {'; '.join(stay['reasons']) or 'none charted'}"
        yield f"Arrival      {_time(stay['arrival'])}, {stay['hoursSinceArrival']} h before"
        yield f"Last well    {_time(stay['lastKnownWell']) or 'not charted'}"
    yield f"Eligibility  {found['eligibility']['kind']}: {found['eligibility']['text']}"
    if found["unanswered"]:
        yield f'Unanswered   {", ".join(found["unanswered"])} (unknown, never "none")'


def _inputs(found: Json) -> Iterator[str]:
    rows = [(_short(one["label"], 38), _value(one), one["asSent"] or "", _time(one["time"]), one["source"] or "")
            for one in found["features"]]  # fmt: skip
    if rows:
        used = sum(one["value"] is not None for one in found["features"])
        yield f"INPUTS  {used} of {len(rows)} found"
        yield from _table(("input", "value", "as sent", "time", "source"), rows)
    old = [f"{one['name']} {one['hours']} h" for one in found["stale"]]
    if old:
        yield f"Old: {', '.join(old)}"


def _value(one: Json) -> str:
    if one["value"] is None:
        return "-"
    if one["isFlag"]:
        return "yes" if one["value"] else "no"
    return f"{one['value']:.6g} {one['unit']}".strip()


def _nihss(found: Json) -> Iterator[str]:
    rows = [(_time(one["time"]), _total(one), _or_dash(one["motor"]), str(len(one["items"])),
             one["notABaseline"] or "", one["source"]) for one in found["nihss"]]  # fmt: skip
    if not rows:
        yield "NIHSS  none read"
        return
    yield "NIHSS"
    yield from _table(("time", "total", "motor", "items", "no baseline", "source"), rows)
    rule = found["endRule"]
    if rule is not None:
        yield f"END rule: {_rule(rule)}"


def _rule(rule: Json) -> str:
    if rule["baseline"] is None:
        return f"not applicable: {rule['noBaseline']}"
    met = f"met by {rule['raised']} ({rule['how']} up by {rule['rise']})" if rule["met"] else "not met"
    return f"baseline {rule['baseline']}; {met}"


def _total(one: Json) -> str:
    return "unknown" if one["total"] is None else f"{one['total']}{'+X' if one['untestableUnnamed'] else ''}"


def _or_dash(value: Any) -> str:
    return "-" if value is None else str(value)


def _reports(found: Json) -> Iterator[str]:
    if not found["reports"]:
        yield "REPORTS  none read"
    for one in found["reports"]:
        yield f"REPORT  {one['source']}  {_short(one['title'], 60)}  {_time(one['time'])}  {one['status']}"
        yield f"  {one['characters']} characters, {one['sentences']} sentences read, {len(one['findings'])} findings"
        for finding in one["findings"]:
            told = [finding[name] for name in ("side", "site", "grade") if finding[name]]
            told += [f"{finding['value']:g}"] if finding["value"] is not None else []
            what = f"{finding['finding']} {finding['assertion']}{f' ({chr(44).join(told)})' if told else ''}"
            yield f'  {what:44} [{finding["section"]}] "{_short(finding["sentence"], 90)}"'


def _facts(found: Json) -> Iterator[str]:
    diagnoses = [(one["kind"], {True: "this stay", False: "earlier", None: ""}[one["inStay"]],
                  _short(one["text"], 50), one["source"]) for one in found["diagnoses"]]  # fmt: skip
    treatments = [(one["kind"], one["state"], _short(one["text"], 50), one["source"]) for one in found["treatments"]]
    if diagnoses or treatments:
        yield "DIAGNOSES AND TREATMENTS"
        yield from _table(("kind", "when", "text", "source"), [*diagnoses, *treatments])


def _left_out(found: Json) -> Iterator[str]:
    counted: dict[tuple[str, str], int] = {}
    for one in found["issues"]:
        key = (one["code"], one["text"])
        counted[key] = counted.get(key, 0) + 1
    if counted:
        yield f"SAID OF THE DATA  {len(found['issues'])}"
        for (code, text), count in counted.items():
            yield f"  {code:14} {text}{f'  ({count} times)' if count > 1 else ''}"


def _unknown(found: Json) -> Iterator[str]:
    codes = found["unknownCodes"]
    if not codes:
        return
    scales = sum(one["mayBeNihss"] for one in codes)
    yield f"CODES THAT ARE NOT READ  {len(codes)}; {scales} may be the NIHSS (marked *): map them by a ConceptMap"
    rows = [("*" if one["mayBeNihss"] else "", one["system"] or "(no system)", one["code"] or "(no code)",
             _short(one["display"], 50), str(one["count"]), one["source"]) for one in codes[:_MOST_CODES]]  # fmt: skip
    yield from _table(("", "system", "code", "display", "times", "for example"), rows)
    if len(codes) > _MOST_CODES:
        yield f"  and {len(codes) - _MOST_CODES} more; --json lists them all"


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    for row in (names, *rows):
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()


def _time(text: str | None) -> str:
    """``2026-03-02T08:00:00+00:00`` -> ``2026-03-02 08:00 +00:00``."""
    return f"{text[:10]} {text[11:16]} {text[-6:]}" if text else ""


def _short(text: str, longest: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
