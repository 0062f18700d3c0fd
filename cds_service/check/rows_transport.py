"""Rows 1, 3-5: JSON. Tried last, on every answer that came."""

from collections.abc import Iterator
from typing import Any

from cds_service.check.caller import Answer
from cds_service.check.endpoints import NOT_OFFERED
from cds_service.check.parts import parts
from cds_service.check.quoting import quoted
from cds_service.check.requirements import Failed, NotTried, Result, Untried, judged, requirement
from cds_service.check.seen import Seen
from cds_service.check.shapes import members

Json = dict[str, Any]
_MAY_BE_EMPTY = frozenset({"cards", "services"})
_EMPTY: tuple[Any, ...] = ("", [], {})
_OPTIONAL = {
    "card": ("uuid", "detail", "suggestions", "selectionBehavior", "overrideReasons", "links", "extension"),
    "source": ("url", "icon", "topic"),
    "suggestion": ("uuid", "isRecommended", "actions", "extension"),
    "action": ("resource", "resourceId", "extension"),
    "link": ("appContext", "autolaunchable", "extension"),
}
_NOT_JSON = {"words": b"hook=patient-view", "half an object": b'{"hook": "patient-view"', "NaN": b'{"hook": NaN}'}


@requirement(
    1,
    "SHALL",
    "Bodies are JSON both ways: answers are declared as such and parse, and what is not JSON is refused.",
    turn=2,
)
def bodies_are_json(seen: Seen) -> Result:
    """Every answer that came, errors and feedback too, but for preflights; bodies that do not parse."""
    if not seen.discovery.ok:
        return NotTried(f"discovery {seen.discovery.said}")
    if fault := _json_fault("discovery", seen.discovery):
        return Failed(fault)
    taken = [*_taken(seen), *_taken_as_feedback(seen)]
    came = (one for one in seen.caller.answers if not one.asked.startswith("OPTIONS "))
    return judged(dict.fromkeys([*(_json_fault(f"{one.asked} ({one.status})", one) for one in came), *taken]))


def _json_fault(what: str, answer: Answer) -> str | None:
    if not answer.body:
        return None
    if not answer.media_type.endswith("json"):
        return f"{what} declares {answer.media_type or 'no type'}"
    return None if answer.json is not None else f"{what} is not JSON: {quoted(answer.text)}"


def _taken(seen: Seen) -> Iterator[str]:
    if seen.answer.status not in (200, 412):
        return
    for what, raw in _NOT_JSON.items():
        answer = seen.ask(raw)
        if not answer.refused or answer.status == 412:  # 412 tells of data: it was read after all
            yield f"a body of {what} {answer.said}"


def _taken_as_feedback(seen: Seen) -> Iterator[str]:
    if seen.answer.status not in (200, 412):
        return
    answer = seen.caller.post(f"{seen.path}/feedback", _NOT_JSON["words"])
    if not answer.refused and answer.status not in NOT_OFFERED:
        yield f"feedback of words {answer.said}"


@requirement(3, "SHALL NOT", "No member that is sent is null.", turn=2)
def no_null(seen: Seen) -> Result:
    """In any answer; within a resource's lists FHIR has it so."""
    return judged(path for path, value in _sent(seen) if value is None and not _of_a_list(path))


def _of_a_list(path: str) -> bool:
    return "resource." in path and path.endswith("]")


@requirement(4, "SHALL NOT", "No member that is sent is empty, but for the lists of cards and of services.", turn=2)
def no_empty(seen: Seen) -> Result:
    """In any answer: strings, lists, objects."""
    return judged(path for path, value in _sent(seen) if value in _EMPTY and path not in _MAY_BE_EMPTY)


def _sent(seen: Seen) -> Iterator[tuple[str, Any]]:
    """Every member of discovery, of calls and of errors, each path once."""
    _ = seen.discovery
    told: set[str] = set()
    if not any(answer.json is not None for answer in seen.caller.answers):
        raise Untried("no answer was JSON")
    for answer in seen.caller.answers:
        for path, value in members(answer.json):
            if (value is None or value in _EMPTY) and path not in told:
                told.add(path)
                yield path, value


@requirement(5, "SHALL", "An optional member without a value is left out.", turn=2)
def no_valueless(seen: Seen) -> Result:
    """Of the answer, its cards and what is below them."""
    holders = [(f"{where}.{name}", one[name]) for kind, names in _OPTIONAL.items()
               for where, one in parts(seen.cards, kind) for name in names if name in one]  # type: ignore[arg-type]  # fmt: skip
    holders += [(name, seen.body[name]) for name in ("systemActions", "extension") if name in seen.body]
    return judged(f"{path} has no value" for path, value in holders if value is None or value in _EMPTY)
