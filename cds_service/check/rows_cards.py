"""Rows 47-62, 75, 101, 118, 119: the answer, its cards and their sources."""

from collections.abc import Iterator
from typing import Any

from markdown_it import MarkdownIt

from cds_service.check.parts import each, has, parts, repeated
from cds_service.check.quoting import quoted
from cds_service.check.requirements import Failed, NotTried, Passed, Result, judged, requirement
from cds_service.check.seen import Seen
from cds_service.check.shapes import absolute_url, coding, is_text, objects, one_of, text, uuid

Json = dict[str, Any]
LONGEST_SUMMARY = 139
"""CDS Hooks 2.0.1, "Card Attributes": fewer than 140 characters."""

_MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])


@requirement(47, "SHALL", "Success is 200 and an object with a list of cards.")
def success_has_cards(seen: Seen) -> Result:
    """A list of objects under ``cards``."""
    _ = seen.body
    listed = seen.answer.object.get("cards")
    right = isinstance(listed, list) and all(isinstance(one, dict) for one in listed)
    return Passed() if right else Failed(f"the service answered {quoted(seen.answer.text)}")


@requirement(48, "should", "No guidance is 200 with an empty list of cards.")
def no_guidance_is_an_empty_list(seen: Seen) -> Result:
    """Seen only where there is none."""
    if seen.body.get("cards"):
        return NotTried("there was guidance")
    return Passed() if seen.body.get("cards") == [] else Failed(f"the service answered {quoted(seen.answer.text)}")


@each("card", 50, "SHALL", "A card has a summary of fewer than 140 characters.")
def summary_is_short(card: Json) -> str | None:
    """However they are counted: code points or UTF-16 units."""
    if fault := text(card, "summary"):
        return fault
    length = len(card["summary"].encode("utf-16-le", "surrogatepass")) // 2
    return f"summary has {length} characters: {quoted(card['summary'])}" if length > LONGEST_SUMMARY else None


@each("card", 51, "SHALL", "A card's indicator is info, warning or critical.")
def indicator_is_known(card: Json) -> str | None:
    """One of three."""
    return one_of(card, "indicator", "info", "warning", "critical")


@each("card", 52, "SHALL", "A card names its source, an object.")
def source_is_an_object(card: Json) -> str | None:
    """Required."""
    return None if isinstance(card.get("source"), dict) else f"source is {quoted(card.get('source'))}"


@each("source", 53, "SHALL", "A source has a label.")
def source_has_a_label(source: Json) -> str | None:
    """A string."""
    return text(source, "label")


@each("source", 54, "SHALL-if", "A source's url is absolute.", has("url"))
def source_url_is_absolute(source: Json) -> str | None:
    """Of scheme http or https."""
    return absolute_url(source, "url")


@each("source", 55, "SHALL-if", "A source's icon is an absolute URL.", has("icon"))
def source_icon_is_absolute(source: Json) -> str | None:
    """Of scheme http or https."""
    return absolute_url(source, "icon")


@each("source", 56, "OPTIONAL", "A source's topic is a Coding with code and system.", has("topic"))
def source_topic_is_a_coding(source: Json) -> str | None:
    """Where there is one."""
    return coding(source["topic"], "code", "system")


@requirement(57, "OPTIONAL", "A card has a unique uuid, so that feedback can name it.")
def card_uuids_are_unique(seen: Seen) -> Result:
    """A string, once."""
    found = parts(seen.cards, "card")
    missing = (f"{place}: {fault}" for place, card in found if (fault := text(card, "uuid")))
    return judged([*missing, *repeated(found, "uuid")])


@each("card", 58, "SHALL-if", "detail is GitHub Flavored Markdown.", has("detail"))
def detail_is_text(card: Json) -> str | None:
    """Any string is Markdown."""
    return text(card, "detail")


@each("card", 118, "text", "detail is Markdown without HTML.", lambda card: is_text(card.get("detail")))
def detail_has_no_html(card: Json) -> str | None:
    """Clients may render it."""
    kinds = {one.type for token in _MARKDOWN.parse(card["detail"]) for one in (token, *(token.children or ()))}
    return f"detail renders HTML: {quoted(card['detail'])}" if {"html_block", "html_inline"} & kinds else None


@each("card", 59, "SHALL", "Where there are suggestions there is a selectionBehavior.", has("suggestions"))
def suggestions_have_a_selection(card: Json) -> str | None:
    """Invariant cds-resp-6."""
    return None if "selectionBehavior" in card else "suggestions without selectionBehavior"


@each("card", 60, "SHALL", "selectionBehavior is at-most-one or any.", has("selectionBehavior"))
def selection_is_known(card: Json) -> str | None:
    """One of two."""
    return one_of(card, "selectionBehavior", "at-most-one", "any")


@each("card", 61, "SHALL", "With at-most-one, no more than one suggestion is recommended.",
      lambda card: card.get("selectionBehavior") == "at-most-one")  # fmt: skip
def one_is_recommended(card: Json) -> str | None:
    """Invariant cds-resp-1."""
    recommended = [one for one in objects(card.get("suggestions")) if one.get("isRecommended") is True]
    return f"{len(recommended)} suggestions are recommended" if len(recommended) > 1 else None


@each("card", 62, "SHALL", "Each override reason has code, system and display.", has("overrideReasons"))
def reasons_are_displayed(card: Json) -> str | None:
    """Invariant cds-resp-4."""
    reasons = card["overrideReasons"]
    if not isinstance(reasons, list):
        return f"overrideReasons is {quoted(reasons)}"
    return next(
        (f"override reason: {fault}" for one in reasons if (fault := coding(one, "code", "system", "display"))), None
    )


@requirement(75, "OPTIONAL", "systemActions are a list of actions with type and description.")
def system_actions_are_actions(seen: Seen) -> Result:
    """Where they are sent."""
    if "systemActions" not in seen.body:
        return NotTried("no systemActions were sent")
    given = seen.body["systemActions"]
    if not isinstance(given, list) or not given or len(objects(given)) != len(given):
        return Failed(f"systemActions is {quoted(given)}")
    return judged(fault for one in given for fault in (one_of(one, "type", "create", "update", "delete"),))


@requirement(112, "changed", "Every system action has a description, which 2.0.1 demands.")
def system_actions_are_described(seen: Seen) -> Result:
    """Where they are sent."""
    if not (given := objects(seen.body.get("systemActions"))):
        return NotTried("no systemActions were sent")
    return judged(text(one, "description") for one in given)


@requirement(101, "SHALL", "Every Coding has code and system.")
def codings_are_whole(seen: Seen) -> Result:
    """Topics and override reasons."""
    found = list(_codings(seen.cards))
    if not found:
        return NotTried("no card has a Coding")
    return judged(f"{place}: {fault}" for place, one in found if (fault := coding(one, "code", "system")))


def _codings(cards: list[Json]) -> Iterator[tuple[str, Any]]:
    yield from ((f"{place} topic", source["topic"]) for place, source in parts(cards, "source") if "topic" in source)
    for place, card in parts(cards, "card"):
        yield from ((f"{place} override reason", one) for one in objects(card.get("overrideReasons")))


@requirement(119, "model", "The uuids of cards and suggestions are real UUIDs.")
def uuids_are_real(seen: Seen) -> Result:
    """As the ballot's logical models have them."""
    found = [*parts(seen.cards, "card"), *parts(seen.cards, "suggestion")]
    return judged(f"{place}: {fault}" for place, one in found if (fault := uuid(one)))
