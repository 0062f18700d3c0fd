"""How cards are written at this site, as the settings say."""

from cds_service.cards.language import LanguageError
from cds_service.cards.language_check import language_named, reassures
from cds_service.cards.style import CardStyle
from cds_service.settings import PREFIX, Settings, SettingsError


def style_of(settings: Settings) -> CardStyle:
    """The site's language and form of dates, checked. Raises `SettingsError` naming setting and fault."""
    try:
        language = language_named(settings.card_language)
    except LanguageError as error:
        raise SettingsError(f"{PREFIX}CARD_LANGUAGE: {error}.") from None
    if reassures(settings.check_interval_text or "", language):
        raise SettingsError(f"{PREFIX}CHECK_INTERVAL_TEXT holds words that no card may hold.")
    return CardStyle(language, settings.date_form)
