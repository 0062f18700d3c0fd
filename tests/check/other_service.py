"""A small CDS Hooks service that is not ours, correct but for one fault that is planted in it.

Another id, other keys, another base path: what `endwatch check` says of it comes from the
requirements alone.
"""

import copy
import json
import urllib.request
from dataclasses import dataclass
from typing import Any

from flask import request

from cds_service.check.asking import CONTEXTS
from cds_service.outbound.session import not_json
from tests.check.other_trust import Json, Refused, Trusting

ID, ORIGIN = "drug-count", "https://browser.example"
CARD = "5b1a0c9e-7d3f-4e0a-8c55-0d6f9a1b2c3d"
SUGGESTION = "6c2b1daf-8e40-4f1b-9d66-1e70ab2c3d4e"
REASON = {"code": "known", "system": "https://other.example/reasons", "display": "Already known"}
DISCOVERY: Json = {"services": [{
    "hook": "patient-view", "title": "Drugs", "description": "Counts drugs.", "id": ID,
    "usageRequirements": "FHIR R4.", "version": "2.0.1", "hookVersion": "1.0",
    "prefetch": {"who": "Patient/{{context.patientId}}",
                 "drugs": "MedicationRequest?patient={{context.patientId}}&_count=50"},
}]}  # fmt: skip
RESOURCE = {"resourceType": "ServiceRequest", "status": "draft", "intent": "proposal"}
ANSWER: Json = {"cards": [{
    "uuid": CARD, "summary": "Many drugs", "indicator": "info", "detail": "Two *drugs*.",
    "source": {"label": "Drug count", "url": "https://other.example/", "icon": "https://other.example/i.png",
               "topic": {"code": "drugs", "system": "https://other.example/topics"}},
    "selectionBehavior": "at-most-one", "overrideReasons": [REASON],
    "suggestions": [{"label": "Review", "uuid": SUGGESTION, "isRecommended": True, "actions": [
        {"type": "create", "description": "Order a review", "resource": RESOURCE},
        {"type": "update", "description": "Change it", "resource": RESOURCE | {"id": "1"}},
        {"type": "delete", "description": "End it", "resourceId": "ServiceRequest/1"}]}],
    "links": [{"label": "More", "url": "https://other.example/more", "type": "absolute"},
              {"label": "App", "url": "https://other.example/app", "type": "smart", "appContext": "x",
               "autolaunchable": False}],
}], "systemActions": [{"type": "create", "description": "Note it", "resource": RESOURCE}]}  # fmt: skip


@dataclass
class Other(Trusting):
    """The service: its fault, the public key of the EHR where it demands tokens, what was seen."""

    def body(self) -> Any:
        """The JSON of a request."""
        try:
            return json.loads(request.get_data(), parse_constant=not_json)
        except ValueError:
            if self.has("feedback not JSON") and request.path.endswith("/feedback"):
                return {"feedback": []}
            if self.has("not JSON"):
                return {
                    "hook": "patient-view",
                    "hookInstance": CARD,
                    "context": {"patientId": "1", "userId": "Patient/1"},
                }
            raise Refused(400) from None

    def call(self, body: Json) -> Json:
        """The answer to a call. Raises `Refused`."""
        self._valid(body)
        who, drugs = self._data(body)
        if who is None or drugs is None:
            return self._lacking(body, both=who is None and drugs is None)
        answer = copy.deepcopy(ANSWER)
        if self.fault.answer:
            self.fault.answer(answer)
        return answer

    def _lacking(self, body: Json, *, both: bool) -> Json:
        """412, or what is planted for want of everything, of one key, or of a server that was named."""
        why = "of a server" if "fhirServer" in body else "of all" if both else "of one key"
        if self.has(f"silent for want {why}"):
            return {"cards": []}
        raise Refused(500 if self.has(f"500 for want {why}") else 412)

    def _valid(self, body: Json) -> None:
        context = body.get("context")
        faulty = {
            "hook": "hook" not in body, "hook type": not isinstance(body.get("hook", ""), str),
            "another hook": self._other_hook(body), "hookInstance": "hookInstance" not in body,
            "context": not isinstance(context, dict),
            "server": "fhirAuthorization" in body and "fhirServer" not in body,
            "access_token": "access_token" not in body.get("fhirAuthorization", {"access_token": ""}),
            "userId": isinstance(context, dict) and "userId" not in context,
            "patientId": isinstance(context, dict) and "patientId" not in context,
        }  # fmt: skip
        if any(wrong and not self.has(name) for name, wrong in faulty.items()):
            raise Refused(400)
        known = context if isinstance(context, dict) else {}
        strict = {"extension": "extension" in body, "unknown member": "orgExampleCheck" in body,
                  "related person": str(known.get("userId")).startswith("RelatedPerson"),
                  "unknown key": len(body.get("prefetch") or {}) > 2, "needs prefetch": "prefetch" not in body,
                  "next": any("link" in (one or {}) for one in (body.get("prefetch") or {}).values()),
                  "repeats": body.get("hookInstance") in self.seen,
                  "needs encounter": "encounterId" not in known}  # fmt: skip
        if any(self.has(name) and wrong for name, wrong in strict.items()):
            raise Refused(422)
        self.seen.add(body.get("hookInstance", ""))

    def _other_hook(self, body: Json) -> bool:
        taken = {"patient-view", *(["order-sign"] if self.has("listed hook") else [])}
        taken |= set(CONTEXTS) if self.has("published hooks") else set()
        return isinstance(body.get("hook"), str) and body["hook"] not in taken

    def _data(self, body: Json) -> tuple[Any, Any]:
        given = body.get("prefetch") or {}
        return tuple(self._of_key(body, given, key) for key in ("who", "drugs"))  # type: ignore[return-value]

    def _of_key(self, body: Json, given: Json, key: str) -> Any:
        value = given.get(key, "absent")
        if value is None:
            if self.has("null"):
                raise Refused(500)
            return {}
        failed = isinstance(value, dict) and value.get("resourceType") == "OperationOutcome"
        if failed and self.has("crash on outcomes"):
            raise Refused(500)
        if value != "absent" and not failed:
            return value
        if self.has("partial") and given:
            return {}
        return self._fetched(body, key) if "fhirServer" in body else None

    def _fetched(self, body: Json, key: str) -> Any:
        patient, access = body["context"]["patientId"], body.get("fhirAuthorization")
        if access is None and self.has("crash without a token"):
            raise Refused(500)
        if access is None or (access.get("patient") not in (None, patient) and not self.has("any patient")):
            return None
        if self.has("new scopes only") and ".read" in access["scope"]:
            return None
        path = f"Patient/{patient}" if key == "who" else f"MedicationRequest?patient={patient}"
        found = self._read(
            f"{body['fhirServer']}/{path}", access["access_token"], bare=self.has("bare") and key != "who"
        )
        for link in (found or {}).get("link", []):
            self._read(link["url"], access["access_token"], bare=self.has("bare page"))
        return None if self.has("fetches in vain") else found

    def _read(self, url: str, token: str, *, bare: bool) -> Any:
        headers = {} if bare else {"Authorization": f"Bearer {token}"}
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=5) as answer:  # noqa: S310
                return json.load(answer)
        except OSError:
            return None

    def feedback(self, body: Any) -> None:
        """Takes feedback. Raises `Refused`."""
        entries = body.get("feedback") if isinstance(body, dict) else None
        if not isinstance(entries, list) and not self.has("any feedback"):
            raise Refused(400)
        for entry in entries or ():
            self._entry(entry)

    def _entry(self, entry: Json) -> None:
        outcome, at = entry.get("outcome"), entry.get("outcomeTimestamp", "")
        ids = entry.get("acceptedSuggestions", []) if outcome == "accepted" else [{"id": ""}]
        wrong = {
            "nothing accepted": not ids,
            "words accepted": any(isinstance(one, str) for one in ids),
            "nobody accepted": any(isinstance(one, dict) and "id" not in one for one in ids),
            "entry": not {"card", "outcome", "outcomeTimestamp"} <= set(entry),
            "outcome": outcome not in ("accepted", "overridden", None),
            "timestamp": "T" not in at and at != "",
        }  # fmt: skip
        if any(found and not self.has(f"feedback {name}") for name, found in wrong.items()):
            raise Refused(400)
        strict = {"strings": outcome == "accepted" and any(isinstance(one, dict) for one in ids),
                  "reason": "overrideReason" not in entry,
                  "fraction": "." in at, "batch": entry.get("card") != CARD}  # fmt: skip
        if any(found and self.has(f"feedback {name}") for name, found in strict.items()):
            raise Refused(422)
