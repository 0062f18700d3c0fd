"""The OpenAPI 3.1 document of the service, from its wire types: ``python -m tools.openapi > openapi.json``.

CDS Hooks has no OpenAPI document of its own. What a call may send is generated from
`cds_service.hooks.messages`; what it is answered with stands here, after CDS Hooks 2.0.1.
"""

import json
from importlib.metadata import version
from typing import Any

from pydantic.json_schema import models_json_schema

from cds_service.hooks.messages import FeedbackRequest, HookRequest
from cds_service.hooks.services import HOOK, SERVICE_ID

Json = dict[str, Any]

_SUMMARY = 139
"""Characters of a card's summary: CDS Hooks 2.0.1, "Card Attributes", < 140."""

_REFUSED = {
    "400": "The body is no request of this hook",
    "404": "There is no such service",
    "412": "Required FHIR data was neither sent nor reachable",
    "413": "The body is over the limit",
    "415": "The body is not declared as JSON",
    "503": "Too many calls at once, or feedback cannot be kept: asking again helps",
}
_TEXT = {"type": "string", "minLength": 1}
_CODING = {"type": "object", "required": ["code", "system", "display"]}


def document() -> Json:
    """The whole document."""
    _, requests = models_json_schema(
        [(HookRequest, "validation"), (FeedbackRequest, "validation")], ref_template="#/components/schemas/{model}"
    )
    return {
        "openapi": "3.1.0",
        "info": {"title": "endwatch", "version": version("endwatch")},
        "paths": _paths(),
        "components": {"schemas": _narrowed(requests["$defs"]) | _answers()},
    }


def _narrowed(requests: Json) -> Json:
    """The wire types with what is demanded of them beside their fields, where JSON Schema can say it."""
    call, feedback = requests["HookRequest"], requests["Feedback"]
    call["properties"]["hook"] = {"const": HOOK}
    call["dependentRequired"] = {"fhirAuthorization": ["fhirServer"]}
    feedback["properties"]["outcomeTimestamp"] = {"type": "string", "format": "date-time"}
    feedback["if"] = {"properties": {"outcome": {"const": "accepted"}}}
    feedback["then"] = {"required": ["acceptedSuggestions"], "properties": {"acceptedSuggestions": {"minItems": 1}}}
    return requests


def _paths() -> Json:
    call = f"/cds-services/{SERVICE_ID}"
    return {
        "/cds-services": {"get": _operation("discovery", "Discovery", "401", "503")},
        call: {"post": _operation("call", "Cards", *_REFUSED, "401", body="HookRequest")},
        f"{call}/feedback": {"post": _operation("feedback", "Stored", *_REFUSED, "401", body="FeedbackRequest")},
        "/health": {"get": _operation("health", "Status")},
        "/ready": {"get": _operation("readiness", "Status")},
    }


def _operation(name: str, answer: str, *refused: str, body: str = "") -> Json:
    responses: Json = {"200": {"description": "Answered", "content": _json(answer)}}
    for status in refused:
        told = {"content": _json("OperationOutcome")} if status in _REFUSED else {}  # 401 is bare, on purpose
        responses[status] = {"description": _REFUSED.get(status, "The call does not prove who makes it")} | told
    asked: Json = {"requestBody": {"required": True, "content": _json(body)}} if body else {}
    return {"operationId": name, "responses": responses} | asked


def _json(schema: str) -> Json:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _answers() -> Json:
    return {
        "Discovery": _object({"services": _list(_object({"hook": _TEXT, "id": _TEXT, "description": _TEXT}))}),
        "Cards": _object({"cards": _list({"$ref": "#/components/schemas/Card"})}),
        "Card": _card(),
        "Stored": _object({"stored": {"type": "integer", "minimum": 0}}),
        "Status": _object({"status": _TEXT}),
        "OperationOutcome": _object(
            {
                "resourceType": {"const": "OperationOutcome"},
                "issue": _list(_object({"severity": {"const": "error"}, "code": _TEXT, "diagnostics": _TEXT})),
            }
        ),
    }


def _card() -> Json:
    """What every card of ours has, and what its suggestions and reasons look like where it has some."""
    card = _object(
        {
            "uuid": {"type": "string", "format": "uuid"},
            "summary": _TEXT | {"maxLength": _SUMMARY},
            "indicator": {"enum": ["info", "warning", "critical"]},
            "detail": _TEXT,
            "source": _object({"label": _TEXT}),
        }
    )
    card["properties"] |= {"suggestions": _list(_object({"label": _TEXT})), "overrideReasons": _list(_CODING)}
    return card


def _object(members: Json) -> Json:
    """An object that has all of these members, and may have others."""
    return {"type": "object", "required": list(members), "properties": members}


def _list(item: Json) -> Json:
    return {"type": "array", "items": item}


if __name__ == "__main__":
    print(json.dumps(document(), indent=2))
