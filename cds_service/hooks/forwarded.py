"""The URL that a caller used, as a trusted proxy tells it.

Only one address is believed, and only on host and scheme. The proxy has to *set* both headers:
one that passes a caller's own on would let callers choose for which URL their token counts.
"""

from collections.abc import Mapping
from typing import Any

from cds_service.settings import Settings

_HEADERS = ("x-forwarded-host", "x-forwarded-proto")


def proxy_options(settings: Settings) -> dict[str, Any]:
    """The options of the web server: it takes over what the trusted proxy tells, and clears what others do."""
    clear = {"clear_untrusted_proxy_headers": True}
    if settings.trusted_proxy is None:
        return clear
    return clear | {"trusted_proxy": str(settings.trusted_proxy), "trusted_proxy_headers": set(_HEADERS)}


def forwarded_urls(environ: Mapping[str, Any], path: str, settings: Settings) -> tuple[str, ...]:
    """The URL of a call by the WSGI environment that the web server left; none without a trusted proxy."""
    proxy = settings.trusted_proxy
    if proxy is None or environ.get("REMOTE_ADDR") != str(proxy) or "HTTP_X_FORWARDED_HOST" not in environ:
        return ()
    return (f"{environ['wsgi.url_scheme']}://{environ['HTTP_HOST']}{path}",)
