"""Rows 77-83: feedback on a card that came, or on a made-up one."""

from typing import Any
from uuid import uuid4

from cds_service.check.caller import Answer
from cds_service.check.endpoints import NOT_OFFERED, override
from cds_service.check.parts import parts
from cds_service.check.requirements import Failed, NotTried, Passed, Result, Untried, judged, requirement
from cds_service.check.seen import Seen
from cds_service.check.shapes import is_text, objects

Json = dict[str, Any]
_FRACTIONS = "2021-12-11T10:05:31.123Z"


def entry(seen: Seen, **changed: Any) -> Json:
    """An override of the first card that has a uuid; a member that is None is left out. Raises `Untried`."""
    named = (card["uuid"] for card in seen.cards if is_text(card.get("uuid")))
    card = next(named, None)
    if card is None:
        raise Untried("no card has a uuid to give feedback on")
    whole = override(card) | changed
    return {name: value for name, value in whole.items() if value is not None}


def told(seen: Seen, *entries: Json) -> Answer:
    """The answer to one batch."""
    return posted(seen, {"feedback": list(entries)})


def posted(seen: Seen, body: Any) -> Answer:
    """The answer to a body at the service's feedback. Raises `Untried` where it takes none."""
    answer = seen.caller.post(f"{seen.path}/feedback", body)
    if answer.status in NOT_OFFERED:
        raise Untried(f"the service takes no feedback ({answer.status})")
    return answer


def taken(what: str, answer: Answer) -> str | None:
    """What is wrong where right feedback is not taken."""
    return None if answer.ok else f"{what} {answer.said}"


def refused(what: str, answer: Answer) -> str | None:
    """What is wrong where faulty feedback is not refused."""
    return None if answer.refused else f"{what} {answer.said}"


@requirement(77, "MAY", "Feedback is taken at the service's URL with /feedback.")
def feedback_is_offered(seen: Seen) -> Result:
    """A right entry is 2xx."""
    answer = told(seen, entry(seen))
    return Passed(f"answered {answer.status}") if answer.ok else Failed(f"feedback {answer.said}")


@requirement(78, "SHALL", "Feedback is an object with a list of entries, each with card, outcome and outcomeTimestamp.")
def feedback_is_a_list(seen: Seen) -> Result:
    """A right body is taken, one without the list or a member is refused."""
    whole = entry(seen)
    without = ((name, {key: value for key, value in whole.items() if key != name}) for name in whole)
    return judged([
        taken("a right entry", told(seen, whole)),
        refused("a body without feedback", posted(seen, {"org": "x"})),
        *(refused(f"an entry without {name}", told(seen, one)) for name, one in without),
    ])  # fmt: skip


@requirement(79, "SHALL", "An outcome is accepted or overridden.")
def outcome_is_known(seen: Seen) -> Result:
    """Another is refused."""
    return judged([refused("outcome ignored", told(seen, entry(seen, outcome="ignored")))])


@requirement(80, "SHALL", "accepted comes with acceptedSuggestions, a list of objects with an id.")
def suggestions_are_accepted(seen: Seen) -> Result:
    """The uuid of a suggestion of the card that came is taken; nothing, words, and objects without id are refused."""
    found = [(card["uuid"], one["uuid"]) for card in seen.cards if is_text(card.get("uuid"))
             for one in objects(card.get("suggestions")) if is_text(one.get("uuid"))]  # fmt: skip
    if not found:
        return NotTried("no card has a suggestion with a uuid")
    card, suggestion = found[0]

    def answer(accepted: Any) -> Answer:
        return told(seen, entry(seen, card=card, outcome="accepted", acceptedSuggestions=accepted))

    faulty = {"without acceptedSuggestions": None, "with strings as acceptedSuggestions": [suggestion],
              "with acceptedSuggestions without id": [{"uuid": suggestion}]}  # fmt: skip
    return judged([
        taken("an accepted suggestion", answer([{"id": suggestion}])),
        *(refused(f"accepted {what}", answer(accepted)) for what, accepted in faulty.items()),
    ])  # fmt: skip


@requirement(81, "OPTIONAL", "An override may carry a reason, a comment, both or neither.")
def override_reasons_are_optional(seen: Seen) -> Result:
    """A reason of the card's own where it has some."""
    own = [one for _, card in parts(seen.cards, "card") for one in objects(card.get("overrideReasons"))]
    reason = own[0] if own else {"code": "other", "system": "https://example.org/reasons"}
    ways = {"no reason": None, "a reason": {"reason": reason}, "a comment": {"userComment": "checked"},
            "both": {"reason": reason, "userComment": "checked"}}  # fmt: skip
    return judged(
        taken(f"an override with {what}", told(seen, entry(seen, overrideReason=why))) for what, why in ways.items()
    )


@requirement(82, "SHALL", "outcomeTimestamp is a time of RFC 3339, with or without fractions of a second.")
def timestamps_are_taken(seen: Seen) -> Result:
    """Both are taken, words are refused."""
    return judged([
        taken("a time in seconds", told(seen, entry(seen))),
        taken("a time with a fraction", told(seen, entry(seen, outcomeTimestamp=_FRACTIONS))),
        refused("a time that is none", told(seen, entry(seen, outcomeTimestamp="yesterday"))),
    ])  # fmt: skip


@requirement(83, "note", "A batch may hold several cards, and what was told before changes nothing.")
def batches_and_repeats(seen: Seen) -> Result:
    """Two entries, twice."""
    both = (entry(seen), entry(seen, card=str(uuid4())))
    return judged(taken(what, told(seen, *both)) for what in ("a batch over two cards", "the same batch again"))
