"""How this site writes FHIR, as the settings say."""

from cds_service.settings import PREFIX, Settings, SettingsError
from fhir_mappings.local_codes import LocalCodeError, LocalCodes, load_local_codes
from fhir_mappings.quirks import quirks_named
from fhir_mappings.site import Site


def site_of(settings: Settings) -> Site:
    """The site's choices, its ConceptMaps read. Raises `SettingsError` naming setting, file, line and fault."""
    try:
        local = load_local_codes(settings.local_codes) if settings.local_codes else LocalCodes()
    except LocalCodeError as error:
        raise SettingsError(f"{PREFIX}LOCAL_CODES: {error}") from None
    try:
        quirks = quirks_named(settings.quirks)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}QUIRKS: {error}") from None
    return Site(
        quirks=quirks,
        local_codes=local,
        text_fallbacks=settings.text_fallbacks,
        scores_in_notes=settings.scores_in_notes,
        by_category={str(key): category for key, category in settings.search_by_category.items()},
    )
