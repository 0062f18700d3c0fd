"""One fault for each requirement that can be tried from outside, by the row under which it has to be found."""

from typing import Any

from tests.check.other_service import CARD, REASON, RESOURCE
from tests.check.other_trust import Change, Fault, Json


def switched(name: str) -> Fault:
    """A fault that the other service's code looks for."""
    return Fault(name)


def shown(change: Change) -> Fault:
    """A discovery that is changed."""
    return Fault("discovery", discovery=change)


def offered(**members: Any) -> Fault:
    """A service in discovery with other members; None leaves one out."""
    return shown(lambda whole: _put(whole["services"][0], members))


def asked(query: str) -> Fault:
    """Another prefetch template."""
    return shown(lambda whole: whole["services"][0]["prefetch"].update(drugs=query))


def listing(name: str, **members: Any) -> Fault:
    """A fault that the code looks for, on a server that lists one more service."""

    def listed(whole: Json) -> None:
        whole["services"].append(whole["services"][0] | members)

    return Fault(name, discovery=listed)


def answered(change: Change) -> Fault:
    """An answer that is changed."""
    return Fault("answer", answer=change)


def card(**members: Any) -> Fault:
    """A card with other members; None leaves one out."""
    return answered(lambda whole: _put(whole["cards"][0], members))


def source(**members: Any) -> Fault:
    """A source with other members."""
    return answered(lambda whole: _put(whole["cards"][0]["source"], members))


def suggestion(**members: Any) -> Fault:
    """A suggestion with other members."""
    return answered(lambda whole: _put(whole["cards"][0]["suggestions"][0], members))


def action(place: int, **members: Any) -> Fault:
    """An action with other members: 0 creates, 1 updates, 2 deletes."""
    return answered(lambda whole: _put(whole["cards"][0]["suggestions"][0]["actions"][place], members))


def link(place: int, **members: Any) -> Fault:
    """A link with other members: 0 is absolute, 1 starts an app."""
    return answered(lambda whole: _put(whole["cards"][0]["links"][place], members))


def system(**members: Any) -> Fault:
    """A system action with other members."""
    return answered(lambda whole: _put(whole["systemActions"][0], members))


def _put(holder: Json, members: Json) -> None:
    for name, value in members.items():
        if value is None:
            holder.pop(name)
        else:
            holder[name] = value


def _twice(holder: Json, name: str) -> None:
    holder[name] = [*holder[name], dict(holder[name][0])]


OPEN: list[tuple[int, Fault]] = [
    (1, switched("text/plain")), (1, switched("not JSON")), (1, switched("errors for people")),
    (1, switched("feedback in words")), (1, switched("feedback not JSON")),
    (3, answered(lambda whole: whole["cards"][0].update(detail=None))),
    (4, card(detail="")), (4, answered(lambda whole: whole["cards"][0]["links"].clear())),
    (4, offered(usageRequirements="")),
    (5, card(overrideReasons=[])), (5, source(topic={})),
    (5, answered(lambda whole: whole["systemActions"].clear())),
    (6, switched("elsewhere")),
    (7, shown(lambda whole: whole.update(services={}))),
    (9, switched("203")),
    (10, offered(hook=None)), (11, offered(title=None)), (12, offered(description=None)),
    (13, shown(lambda whole: _twice(whole, "services") or whole["services"][1].pop("id"))),
    (13, shown(lambda whole: _twice(whole, "services") or whole["services"][1].update(id="a b"))),
    (14, offered(prefetch=["Patient"])), (14, asked({"query": 1})),  # type: ignore[arg-type]  # a fault
    (15, offered(usageRequirements=["R4"])),
    (16, shown(lambda whole: _twice(whole, "services"))),
    (18, switched("PUT")),
    (19, switched("hook")), (19, switched("hook type")), (19, switched("another hook")),
    (19, listing("listed hook", id="other", hook="order-sign")), (19, switched("published hooks")),
    (20, switched("hookInstance")), (20, switched("repeats")),
    (21, switched("context")),
    (22, switched("server")),
    (24, switched("unknown member")), (24, switched("needs prefetch")),
    (25, switched("related person")), (25, switched("userId")),
    (26, switched("patientId")), (27, switched("needs encounter")),
    (30, switched("fetches in vain")),
    (31, asked("MedicationRequest?patient={context.patientId}")), (31, asked("Patient/{{context.patientId}")),
    (32, asked("MedicationRequest?patient={{patientId}}")), (32, asked("Patient/{{ context.patientId }}")),
    (32, asked("MedicationRequest?patient={{context.noSuchField}}")),
    (32, asked("MedicationRequest?_id={{context.draftOrders}}")),
    (32, listing("", id="other", hook="order-sign", prefetch={"x": "Task?patient={{context.patientID}}"})),
    (33, asked("MedicationRequest?patient={{context.patient.id}}")),
    (33, asked("MedicationRequest?_id={{context.draftOrders}}")),
    (33, listing("", id="other", hook="order-select", prefetch={"x": "Task?focus={{context.selections}}"})),
    (34, asked("MedicationRequest?_include=MedicationRequest:medication&patient={{context.patientId}}")),
    (34, asked("Observation?code:text=x&patient={{context.patientId}}")), (34, asked("Observation?patient.name=x")),
    (35, switched("unknown key")),
    (36, switched("partial")),
    (37, switched("crash on outcomes")), (38, switched("null")),
    (39, switched("next")),
    *((40, switched(f"{what} for want of {which}")) for what in ("silent", "500")
      for which in ("all", "one key", "a server")),
    (41, switched("crash without a token")),
    (42, switched("bare")), (42, switched("bare page")), (43, switched("access_token")), (44, switched("any patient")),
    (47, answered(lambda whole: whole.update(cards={}))), (47, answered(lambda whole: whole["cards"].append("card"))),
    (48, answered(lambda whole: whole.pop("cards"))),
    (49, switched("any service")),
    (50, card(summary="x" * 140)), (50, card(summary=None)), (50, card(summary="\N{BRAIN}" * 70)),
    (51, card(indicator="hard-stop")), (51, card(indicator=["info"])),
    (52, card(source="Drug count")), (53, source(label=None)), (54, source(url="/relative")),
    (55, source(icon="icon.png")), (56, source(topic={"code": "drugs"})),
    (57, answered(lambda whole: _twice(whole, "cards"))), (57, card(uuid=None)),
    (58, card(detail=["Two"])),
    (59, card(selectionBehavior=None)), (60, card(selectionBehavior="all")),
    (61, answered(lambda whole: _twice(whole["cards"][0], "suggestions"))),
    (62, card(overrideReasons=[{"code": "known", "system": REASON["system"]}])), (62, card(overrideReasons=REASON)),
    (63, suggestion(label=None)), (64, suggestion(uuid=None)), (65, suggestion(isRecommended="true")),
    (66, suggestion(actions={"type": "create"})),
    (67, action(0, type="order")), (68, action(0, description=None)), (69, action(0, resource="{}")),
    (69, action(0, resource=RESOURCE | {"id": "1"})),
    (70, action(1, resource=RESOURCE)), (71, action(2, resourceId="https://other.example/ServiceRequest/1")),
    (72, link(0, url="/more")), (72, link(0, type="html")), (72, link(0, label=None)),
    (73, link(0, appContext="x")), (73, link(1, appContext={"x": 1})), (74, link(1, autolaunchable="no")),
    (74, link(1, autolaunchable=None, autoLaunchable=True)),
    (75, system(type="order")), (112, system(description=None)),
    (77, switched("feedback 500")), (78, switched("feedback entry")), (78, switched("any feedback")),
    (79, switched("feedback outcome")), (80, switched("feedback strings")),
    *((80, switched(f"feedback {what} accepted")) for what in ("nothing", "words", "nobody")),
    (81, switched("feedback reason")),
    (82, switched("feedback fraction")), (82, switched("feedback timestamp")), (83, switched("feedback batch")),
    (85, switched("")),
    (98, switched("no cors")), (98, switched("cors on success")), (98, switched("cors headers")),
    (98, switched("cors methods")),
    (100, switched("extension")), (100, card(extension=["x"])),
    (101, card(overrideReasons=[{"code": "known", "display": "Known"}])), (101, source(topic={"system": "x"})),
    (102, offered(hook="my-hook")),
    (103, action(0, resource={"status": "draft"})),
    (104, offered(version="two")), (104, offered(hookVersion=1)),
    (105, switched("plain errors")),
    (106, suggestion(actionSelectionBehavior="all")),
    (107, switched("new scopes only")),
    (108, asked("MedicationRequest?patient={{context.patientId}}&authoredon=ge{{today() - 3 days}}")),
    (109, asked("MedicationRequest?patient={{context.patientId}}&_maxresults=5")),
    (111, switched("bare page")),
    (118, card(detail="Two <b>drugs</b>")),
    (119, card(uuid="card-1")), (119, suggestion(uuid=CARD[:-1])),
]  # fmt: skip
"""On a service that asks for no token."""

SIGNED: list[tuple[int, Fault]] = [
    (17, switched("no discovery with a token")),
    (86, switched("feedback open")), (86, switched("discovery open")),
    (86, switched("401 with detail")), (86, switched("401 that differs")), (86, switched("401 with a reason")),
    *((row, switched(f"{where}{name}")) for where in ("", "feedback ", "discovery ") for row, name in (
        (86, "403"), (87, "typ"), (87, "kid missing"),
        (88, "without iss"), (88, "without aud"), (88, "without exp"), (88, "without iat"), (88, "without jti"),
        (88, "extra claims"), (89, "aud"), (89, "aud list"), (90, "iss"), (90, "any jku"), (90, "fetches jku"),
        (91, "crash without jku"), (92, "any kid"), (92, "signature"), (93, "none"), (94, "HS256"),
        (96, "exp"), (96, "replay"))),
]  # fmt: skip
"""On a service that demands tokens."""
