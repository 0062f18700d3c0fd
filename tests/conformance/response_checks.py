"""What the rows demand of an answer, one function a row: each returns what is wrong, nothing where all is well.

They know CDS Hooks alone, nothing of ours, so that they judge any answer.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from markdown_it import MarkdownIt

Json = dict[str, Any]
Check = Callable[[Json], Iterator[str]]
CHECKS: dict[int, Check] = {}

_MAY_BE_EMPTY = frozenset({".cards", ".services"})
_TOKENS = MarkdownIt("commonmark").enable(["table", "strikethrough"])
_REFERENCE = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64}")


def check(number: int) -> Callable[[Check], Check]:
    """Register a check under its row."""

    def register(function: Check) -> Check:
        CHECKS[number] = function
        return function

    return register


def cards_of(answer: Json) -> list[Json]:
    """The cards of an answer that has any."""
    cards = answer.get("cards")
    return cards if isinstance(cards, list) else []


def suggestions_of(answer: Json) -> list[Json]:
    """The suggestions of all cards."""
    return [one for card in cards_of(answer) for one in card.get("suggestions", [])]


def actions_of(answer: Json) -> list[Json]:
    """The actions of all suggestions."""
    return [one for suggestion in suggestions_of(answer) for one in suggestion.get("actions", [])]


def links_of(answer: Json) -> list[Json]:
    """The links of all cards."""
    return [one for card in cards_of(answer) for one in card.get("links", [])]


def sources_of(answer: Json) -> list[Json]:
    """The sources of all cards."""
    return [card["source"] for card in cards_of(answer) if isinstance(card.get("source"), dict)]


def _members(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every member below, with its path."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in pairs:
        yield f"{path}.{key}", value
        yield from _members(value, f"{path}.{key}")


def _said(value: Any) -> bool:
    return isinstance(value, str) and value.strip() != ""


def _absolute(value: Any) -> bool:
    parts = urlsplit(value) if isinstance(value, str) else None
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)


def _coding(value: Any, *, displayed: bool = False) -> bool:
    needed = ("code", "system", "display") if displayed else ("code", "system")
    return isinstance(value, dict) and all(_said(value.get(name)) for name in needed)


def _kinds(text: str) -> set[str]:
    """The kinds of Markdown tokens, inner ones too."""
    return {one.type for token in _TOKENS.parse(text) for one in (token, *(token.children or ()))}


def _uuid(value: Any) -> bool:
    try:
        return str(UUID(value)) == value
    except (ValueError, AttributeError, TypeError):
        return False


@check(3)
def no_null(answer: Json) -> Iterator[str]:
    """No member is null."""
    yield from (path for path, value in _members(answer) if value is None)


@check(4)
def no_empty(answer: Json) -> Iterator[str]:
    """No string, list or object is empty, but for the two lists that may be."""
    yield from (path for path, value in _members(answer) if value in ("", [], {}) and path not in _MAY_BE_EMPTY)


@check(5)
def no_valueless(answer: Json) -> Iterator[str]:
    """No optional member of card, suggestion or answer stands without a value."""
    holders = [answer, *cards_of(answer), *suggestions_of(answer), *actions_of(answer), *sources_of(answer)]
    optional = {
        "systemActions", "extension", "detail", "suggestions", "selectionBehavior", "overrideReasons", "links",
        "icon", "topic", "url", "actions", "isRecommended", "uuid", "resource", "resourceId",
    }  # fmt: skip
    for holder in holders:
        yield from (name for name in optional & set(holder) if holder[name] in (None, "", [], {}))


@check(47)
def an_object_with_cards(answer: Json) -> Iterator[str]:
    """A list of objects under ``cards``, and perhaps systemActions and an extension."""
    if not isinstance(answer.get("cards"), list) or not all(isinstance(card, dict) for card in answer["cards"]):
        yield "cards is no list of objects"
    yield from set(answer) - {"cards", "systemActions", "extension"}


@check(50)
def a_short_summary(answer: Json) -> Iterator[str]:
    """A summary on one line, below 140 characters however they are counted."""
    for card in cards_of(answer):
        summary = card.get("summary")
        if not _said(summary) or len(summary.encode("utf-16-le")) // 2 >= 140 or "\n" in summary:
            yield f"summary: {summary!r}"


@check(51)
def a_known_indicator(answer: Json) -> Iterator[str]:
    """One of three."""
    for card in cards_of(answer):
        if card.get("indicator") not in ("info", "warning", "critical"):
            yield f"indicator: {card.get('indicator')!r}"


@check(52)
def a_source(answer: Json) -> Iterator[str]:
    """An object."""
    yield from ("no source" for card in cards_of(answer) if not isinstance(card.get("source"), dict))


@check(53)
def a_source_s_label(answer: Json) -> Iterator[str]:
    """A string that says something."""
    yield from (f"label: {source.get('label')!r}" for source in sources_of(answer) if not _said(source.get("label")))


@check(54)
def a_source_s_url(answer: Json) -> Iterator[str]:
    """Absolute where it is there."""
    yield from (f"url: {one['url']!r}" for one in sources_of(answer) if "url" in one and not _absolute(one["url"]))


@check(55)
def a_source_s_icon(answer: Json) -> Iterator[str]:
    """Absolute where it is there."""
    yield from (f"icon: {one['icon']!r}" for one in sources_of(answer) if "icon" in one and not _absolute(one["icon"]))


@check(56)
def a_source_s_topic(answer: Json) -> Iterator[str]:
    """A Coding, on every card."""
    yield from (f"topic: {one.get('topic')!r}" for one in sources_of(answer) if not _coding(one.get("topic")))


@check(57)
def a_card_s_uuid(answer: Json) -> Iterator[str]:
    """There, and of one card alone."""
    uuids = [card.get("uuid") for card in cards_of(answer)]
    yield from (f"uuid: {uuid!r}" for uuid in uuids if not _said(uuid) or uuids.count(uuid) > 1)


@check(58)
def markdown_alone(answer: Json) -> Iterator[str]:
    """``detail`` renders without HTML, links or images."""
    unwanted = {"html_block", "html_inline", "image", "link_open"}
    for card in cards_of(answer):
        yield from _kinds(card.get("detail", "")) & unwanted


@check(59)
def a_selection_with_suggestions(answer: Json) -> Iterator[str]:
    """One of the two never stands alone."""
    for card in cards_of(answer):
        if ("suggestions" in card) != ("selectionBehavior" in card):
            yield "suggestions and selectionBehavior do not go together"


@check(60)
def a_known_selection(answer: Json) -> Iterator[str]:
    """One of two."""
    found = (card["selectionBehavior"] for card in cards_of(answer) if "selectionBehavior" in card)
    yield from (f"selectionBehavior: {one!r}" for one in found if one not in ("at-most-one", "any"))


@check(61)
def one_recommended(answer: Json) -> Iterator[str]:
    """No more than one where one alone may be chosen."""
    for card in cards_of(answer):
        recommended = [one for one in card.get("suggestions", []) if one.get("isRecommended")]
        if card.get("selectionBehavior") == "at-most-one" and len(recommended) > 1:
            yield f"{len(recommended)} are recommended"


@check(62)
def displayed_reasons(answer: Json) -> Iterator[str]:
    """Codings with a display."""
    reasons = (one for card in cards_of(answer) for one in card.get("overrideReasons", []))
    yield from (f"reason: {one!r}" for one in reasons if not _coding(one, displayed=True))


@check(63)
def labeled_suggestions(answer: Json) -> Iterator[str]:
    """A string that says something."""
    yield from (f"label: {one.get('label')!r}" for one in suggestions_of(answer) if not _said(one.get("label")))


@check(64)
def named_suggestions(answer: Json) -> Iterator[str]:
    """A uuid on each, of one suggestion alone."""
    uuids = [one.get("uuid") for one in suggestions_of(answer)]
    yield from (f"uuid: {uuid!r}" for uuid in uuids if not _said(uuid) or uuids.count(uuid) > 1)


@check(65)
def boolean_recommendations(answer: Json) -> Iterator[str]:
    """True or false, no word."""
    found = (one["isRecommended"] for one in suggestions_of(answer) if "isRecommended" in one)
    yield from (f"isRecommended: {one!r}" for one in found if not isinstance(one, bool))


@check(66)
def lists_of_actions(answer: Json) -> Iterator[str]:
    """A list of objects, no two of them on the same resource."""
    for suggestion in suggestions_of(answer):
        actions = suggestion.get("actions", [])
        if not isinstance(actions, list) or not all(isinstance(action, dict) for action in actions):
            yield "actions is no list of objects"
            continue
        named = [one.get("resourceId") or (one.get("resource") or {}).get("id") for one in actions]
        yield from (f"{name} twice" for name in {*named} - {None} if named.count(name) > 1)


@check(67)
def known_actions(answer: Json) -> Iterator[str]:
    """One of three."""
    found = (action.get("type") for action in actions_of(answer))
    yield from (f"type: {type_!r}" for type_ in found if type_ not in ("create", "update", "delete"))


@check(68)
def described_actions(answer: Json) -> Iterator[str]:
    """A string that says something."""
    found = (action.get("description") for action in actions_of(answer))
    yield from (f"description: {one!r}" for one in found if not _said(one))


@check(69)
def new_resources(answer: Json) -> Iterator[str]:
    """A create carries an object of some type, which has no id yet."""
    for action in actions_of(answer):
        resource = action.get("resource")
        if action.get("type") == "create" and (
            not isinstance(resource, dict) or not _said(resource.get("resourceType")) or "id" in resource
        ):
            yield f"create of {str(resource)[:60]}"


@check(70)
def whole_updates(answer: Json) -> Iterator[str]:
    """An update carries an object of some type with its id."""
    for action in actions_of(answer):
        resource = action.get("resource")
        if action.get("type") == "update" and not (
            isinstance(resource, dict) and _said(resource.get("resourceType")) and _said(resource.get("id"))
        ):
            yield f"update with {str(resource)[:60]}"


@check(71)
def referring_deletes(answer: Json) -> Iterator[str]:
    """A delete carries ``Type/id`` as resourceId, and no resource."""
    for action in actions_of(answer):
        named = action.get("resourceId")
        if action.get("type") == "delete" and (
            not isinstance(named, str) or not _REFERENCE.fullmatch(named) or "resource" in action
        ):
            yield f"delete of {named!r}"


@check(72)
def whole_links(answer: Json) -> Iterator[str]:
    """Label, absolute url, and one of two types."""
    for link in links_of(answer):
        if (
            not _said(link.get("label"))
            or not _absolute(link.get("url"))
            or link.get("type") not in ("absolute", "smart")
        ):
            yield f"link: {link!r}"


@check(73)
def context_of_apps_alone(answer: Json) -> Iterator[str]:
    """A string, and on links of type smart only."""
    for link in links_of(answer):
        if "appContext" in link and (link.get("type") != "smart" or not isinstance(link["appContext"], str)):
            yield f"appContext: {link['appContext']!r}"


@check(74)
def launchable_links(answer: Json) -> Iterator[str]:
    """Spelt in lower case, true or false."""
    for link in links_of(answer):
        yield from (name for name in link if name.lower() == "autolaunchable" and name != "autolaunchable")
        if not isinstance(link.get("autolaunchable", True), bool):
            yield f"autolaunchable: {link['autolaunchable']!r}"


@check(75)
def nothing_unasked(answer: Json) -> Iterator[str]:
    """No systemActions."""
    yield from ("systemActions" for _ in [1] if "systemActions" in answer)


@check(101)
def whole_codings(answer: Json) -> Iterator[str]:
    """Code and system in each Coding of ours, be it topic or reason."""
    codings = [source["topic"] for source in sources_of(answer) if "topic" in source]
    codings += [one for card in cards_of(answer) for one in card.get("overrideReasons", [])]
    yield from (f"coding: {one!r}" for one in codings if not _coding(one))


@check(106)
def no_behavior_of_actions(answer: Json) -> Iterator[str]:
    """The member is of the ballot, and a client of 2.0.1 may refuse it."""
    yield from ("actionSelectionBehavior" for one in suggestions_of(answer) if "actionSelectionBehavior" in one)


@check(112)
def described_system_actions(answer: Json) -> Iterator[str]:
    """2.0.1 demands a description of each action, the ballot not of system actions."""
    every = [*actions_of(answer), *answer.get("systemActions", [])]
    yield from ("no description" for action in every if not _said(action.get("description")))


@check(115)
def no_extension(answer: Json) -> Iterator[str]:
    """At no place: nothing is agreed with any client."""
    yield from (path for path, _ in _members(answer) if path.endswith(".extension"))


@check(118)
def no_html(answer: Json) -> Iterator[str]:
    """``detail`` is a string in which no HTML renders."""
    for card in cards_of(answer):
        detail = card.get("detail", "")
        if not isinstance(detail, str) or {"html_block", "html_inline"} & _kinds(detail):
            yield f"detail: {str(detail)[:60]!r}"


@check(119)
def real_uuids(answer: Json) -> Iterator[str]:
    """Of cards and suggestions, in the form of RFC 9562."""
    found = (one["uuid"] for one in (*cards_of(answer), *suggestions_of(answer)) if "uuid" in one)
    yield from (f"uuid: {one!r}" for one in found if not _uuid(one))
