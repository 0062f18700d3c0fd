"""The sentences of a card that depend on its conclusion, in the card's language."""

from cds_service.cards.style import CardStyle
from cds_service.conclude import Conclusion
from fhir_mappings.end_rule import EndState


def reason_of(row: Conclusion, style: CardStyle) -> str:
    """Why the card says what it says, without a full stop unless it came with one."""
    return _end(row.end, style) if row.kind == "end-charted" and row.end else style.language.reason(row.reason)


def not_computed(row: Conclusion, style: CardStyle) -> str:
    """That no risk is given, and why; without a baseline there is no END rule either."""
    key = "no_baseline" if row.code == "no-baseline" else "not_computed"
    return style.language.say(key, reason=reason_of(row, style))


def _end(end: EndState, style: CardStyle) -> str:
    """Two scores with their times: ``NIHSS 9 -> 11 (07:10 -> 13:05); meets the END rule``."""
    before, after = end.baseline, end.raised
    if before is None or after is None:
        return ""
    zone = before.effective.tzinfo
    moments = before.effective, after.effective.astimezone(zone)
    written = style.time if moments[0].date() == moments[1].date() else style.day_and_time
    times = " -> ".join(map(written, moments))
    said = {"times": times, "confirmed": style.language.say("end_confirmed") if end.confirmed else ""}
    if end.how == "motor":
        return style.language.say("end_motor", rise=end.rise, **said)
    return style.language.say("end_total", before=before.total, after=after.total, **said)
