"""One call that reads everything a chart can hold, so that every pattern that is made late is made."""

from cds_service.demo.patients import demo_patients
from tests import builders as b
from tests.cds_service.calls import client, prefetch, request

TEXTS = (
    "CT head.\nFINDINGS: No acute hemorrhage. ASPECTS 8, midline shift 3 mm. 50% stenosis of the left ICA.",
    "<p>MRT Schädel.</p><p>Befund: Kein Nachweis einer Blutung. Infarkt links.</p>",
    "{\\rtf1 FINDINGS: NIHSS 9 at 10:00. No edema.}",
)


def run() -> None:
    """The calls; each has to be answered."""
    service = client(scores_in_notes=True, text_fallbacks=True)
    reports = [b.report(text, id_=f"h{number}") for number, text in enumerate(TEXTS)]
    body = request(prefetch=prefetch(reports=b.searchset(*reports)))
    assert 200 == service.post("/cds-services/end-risk", json=body).status_code
    assert demo_patients()
