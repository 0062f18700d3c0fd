"""The demo's pages show what a chart open shows."""

from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.fakes import FakePredictor


def pages() -> FlaskClient:
    """The demo without a FHIR server: prefetch is used."""
    return create_app(Settings(mode="demo"), predictor=FakePredictor()).test_client()


def test_the_landing_page_lists_every_patient_with_its_answer():
    """Each row is a chart open; the page says first what the figures are worth."""
    text = pages().get("/").text
    assert "Its figures say nothing about real ones." in text
    assert 16 == text.count('href="/demo/demo-')
    assert "END risk 46 %" in text
    assert "no card: outside the intended population" in text


def test_a_patients_page_shows_the_card_the_request_and_the_response():
    """Markdown is rendered, HTML in it is not."""
    text = pages().get("/demo/demo-contradiction?prefetch=1").text
    assert "<blockquote>" in text
    assert "Acute hemorrhage in the left basal ganglia." in text
    assert "hookInstance" in text
    assert "overrideReasons" in text


def test_an_unknown_patient_is_404_and_the_style_is_served():
    """No page for nobody."""
    assert (404, 200) == (pages().get("/demo/nobody").status_code, pages().get("/style.css").status_code)
