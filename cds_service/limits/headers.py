"""The headers of every answer: what a browser may do with it."""

from collections.abc import Mapping

_OF_ALL = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",  # where the route says nothing else
}
_PAGE = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_DATA = "default-src 'none'; frame-ancestors 'none'"


def security_headers(media_type: str | None) -> Mapping[str, str]:
    """The headers for an answer of this media type: only a page may load anything, and only our own style.

    No script runs in a page, not even one of ours; nobody frames it, caches it or learns its address from
    its links.
    """
    return {**_OF_ALL, "Content-Security-Policy": _PAGE if media_type == "text/html" else _DATA}
