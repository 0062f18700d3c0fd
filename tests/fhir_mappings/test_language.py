"""Which language a text is in: by its letters and its commonest words, of the languages that have a lexicon."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.text.language import language_of, languages_read, lexicon_file

LEXICON = Path(__file__).parents[2] / "fhir_mappings" / "text" / "lexicon"


@pytest.mark.parametrize(
    "text",
    [
        "No acute intracranial hemorrhage is seen in the left or right hemisphere.",
        "ASPECTS 8, dense MCA",
        "L hemiparesis",
        "12 / 34",
        "",
        "Oedème and naïve: the patient has been seen by a doctor from Zürich",
    ],
)
def test_english_is_known_by_words_and_short_texts_by_letters(text: str):
    """Under eight words the letters alone decide; a text without letters is nobody's, and read."""
    assert "en" == language_of(text)


@pytest.mark.parametrize(
    "text",
    [
        "未见颅内出血。左侧大脑中动脉闭塞。",
        "Нет признаков кровоизлияния",
        "Kein Nachweis einer Blutung. Die Gefäße sind frei durchgängig, keine Verschlüsse.",
        "No se observan signos de hemorragia intracraneal aguda. No hay lesiones en el territorio de la arteria media.",
        "Non si osservano segni di emorragia acuta. Due lesioni ischemiche nel territorio della cerebrale media.",
        "Geen intracraniële bloeding. Er is een occlusie van de arteria cerebri media links. In dit gebied infarct.",
        "Ingen tegn på intrakraniell blødning. Det er et infarkt i media territoriet for pasienten.",
        "Nie stwierdza się krwawienia śródczaszkowego. Układ komorowy prawidłowy i nieprzemieszczony.",
        "Kafa içi kanama saptanmadı. Orta hat yapıları olağandır. Ventriküler sistem normaldir.",
        "Pas de saignement intracrânien visible sur cette étude du crâne sans injection de produit",
    ],
)
def test_a_text_in_a_language_without_a_lexicon_has_none(text: str):
    """By its letters, or by its words where it has eight."""
    assert language_of(text) is None


def test_telegraphic_english_of_a_request_is_known():
    """Request forms hold few small words."""
    assert "en" == language_of("Wide based gait, slow, forgetful - family worried, ?leukoaraiosis, ?NPH")
    assert "en" == language_of("LKW unknown - aphasia, R HP, R homonymous hemianopia, NIHSS 22, ?L ICA clot")


def test_languages_are_folders():
    """Each folder of the lexicon names its language, and has the files that are read."""
    folders = sorted(folder.name for folder in LEXICON.iterdir() if folder.is_dir())
    assert folders == [lexicon_file(folder, "language.toml")["language"] for folder in folders]
    assert "English" in languages_read()
    for folder in folders:
        assert lexicon_file(folder, "language.toml")["version"]
        assert lexicon_file(folder, "sections.toml")["headings"]


@given(st.text(max_size=300))
def test_any_text_has_a_known_language_or_none(text: str):
    """Whatever comes."""
    assert language_of(text) in ("en", None)
