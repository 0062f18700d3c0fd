"""Rows 63-74, 103, 106: suggestions, their actions, and links."""

from typing import Any

from cds_service.check.parts import each, has, parts, repeated
from cds_service.check.quoting import quoted
from cds_service.check.requirements import NotTried, Result, judged, requirement
from cds_service.check.seen import Seen
from cds_service.check.shapes import REFERENCE, boolean, is_absolute, is_text, one_of, text

Json = dict[str, Any]


@each("suggestion", 63, "SHALL", "Each suggestion has a label.")
def suggestion_has_a_label(one: Json) -> str | None:
    """A string."""
    return text(one, "label")


@requirement(64, "OPTIONAL", "Each suggestion has a uuid, so that feedback can name it.")
def suggestion_uuids_are_unique(seen: Seen) -> Result:
    """A string, once."""
    found = parts(seen.cards, "suggestion")
    if not found:
        return NotTried("no card has a suggestion")
    missing = (f"{place}: {fault}" for place, one in found if (fault := text(one, "uuid")))
    return judged([*missing, *repeated(found, "uuid")])


@each("suggestion", 65, "OPTIONAL", "isRecommended, where it stands, is a boolean.", has("isRecommended"))
def recommendation_is_a_boolean(one: Json) -> str | None:
    """True or false."""
    return boolean(one, "isRecommended")


@each("suggestion", 66, "SHALL-if", "A suggestion's actions are a list of actions.", has("actions"))
def actions_are_a_list(one: Json) -> str | None:
    """Of objects."""
    given = one["actions"]
    right = isinstance(given, list) and all(isinstance(action, dict) for action in given)
    return None if right else f"actions is {quoted(given)}"


@each("action", 67, "SHALL", "An action's type is create, update or delete.")
def action_type_is_known(action: Json) -> str | None:
    """One of three."""
    return one_of(action, "type", "create", "update", "delete")


@each("action", 68, "SHALL", "An action has a description.")
def action_has_a_description(action: Json) -> str | None:
    """Invariant cds-resp-5."""
    return text(action, "description")


@each(
    "action",
    69,
    "SHALL",
    "A create carries a new FHIR resource, as an object.",
    lambda one: one.get("type") == "create",
)
def create_carries_a_resource(action: Json) -> str | None:
    """With its type, and without an id: the FHIR server gives that."""
    if fault := _resource_fault(action):
        return fault
    return "the resource of a create has an id" if "id" in action["resource"] else None


@each(
    "action", 70, "SHALL", "An update carries the whole resource with its id.", lambda one: one.get("type") == "update"
)
def update_carries_the_resource(action: Json) -> str | None:
    """With its type and id."""
    return _resource_fault(action) or text(action["resource"], "id")


def _resource_fault(action: Json) -> str | None:
    resource = action.get("resource")
    return text(resource, "resourceType") if isinstance(resource, dict) else f"resource is {quoted(resource)}"


@each("action", 71, "SHOULD", "A delete names its resource by a relative reference in resourceId.",
      lambda one: one.get("type") == "delete")  # fmt: skip
def delete_names_its_resource(action: Json) -> str | None:
    """Invariant cds-resp-2."""
    named = action.get("resourceId")
    return None if isinstance(named, str) and REFERENCE.fullmatch(named) else f"resourceId is {quoted(named)}"


@each("link", 72, "SHALL", "A link has label, url and type, which is absolute or smart.")
def link_is_whole(link: Json) -> str | None:
    """Three members."""
    url = None if is_absolute(link.get("url")) else f"url is {quoted(link.get('url'))}"
    return text(link, "label") or url or one_of(link, "type", "absolute", "smart")


@each("link", 73, "SHALL NOT", "appContext is a string, and stands on no absolute link.", has("appContext"))
def context_is_of_apps(link: Json) -> str | None:
    """Invariant cds-resp-3."""
    if link.get("type") == "absolute":
        return "appContext on an absolute link"
    return None if is_text(link["appContext"]) else f"appContext is {quoted(link['appContext'])}"


@each("link", 74, "OPTIONAL", "autolaunchable, written so, is a boolean.",
      lambda link: any(name.lower() == "autolaunchable" for name in link))  # fmt: skip
def launch_is_a_boolean(link: Json) -> str | None:
    """All in lower case."""
    return boolean(link, "autolaunchable") if "autolaunchable" in link else "autolaunchable is spelt otherwise"


@each("action", 103, "SHALL", "FHIR within the answers is plain FHIR JSON.", has("resource"))
def resources_are_fhir(action: Json) -> str | None:
    """An object with its type; that the whole answer parses is row 1."""
    resource = action["resource"]
    if isinstance(resource, str) and action.get("type") == "delete":
        return None
    return _resource_fault(action)


@each("suggestion", 106, "SHALL NOT", "actionSelectionBehavior is not sent to clients that may not know it.")
def no_behavior_of_actions(one: Json) -> str | None:
    """A member of the ballot."""
    return "actionSelectionBehavior" if "actionSelectionBehavior" in one else None
