"""The web server, and what it does with slow, large and malformed requests before the application sees them."""

import time
from io import BytesIO
from typing import Any

from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, MultiSocketServer, create_server
from waitress.task import ErrorTask, WSGITask

from cds_service.hooks.forwarded import proxy_options
from cds_service.limits.body import OVER_LIMIT
from cds_service.limits.headers import security_headers
from cds_service.settings import Settings

REQUEST_S = 20
"""Within this time of its first byte a request has to be there: 20 MB at 8 Mbit/s (assumption)."""

SPARE_THREADS = 4
"""For health, discovery and refusals, beside the calls at work and those that wait for their turn."""

_IN_MEMORY = 2_000_000
"""Bytes of a body that are held in memory; the rest of a larger one goes to a file without a name."""


def server_for(app: Any, settings: Settings, *, request_s: int = REQUEST_S) -> BaseWSGIServer | MultiSocketServer:
    """The server of a WSGI application, bound and not yet running. Raises `OSError` where it cannot listen."""
    parts: dict[int, Any] = {}
    server = create_server(
        app,
        map=parts,
        host=settings.host,
        port=settings.port,
        ident="endwatch",
        threads=2 * settings.calls_at_once + SPARE_THREADS,
        connection_limit=500,
        asyncore_use_poll=True,  # beyond 1,024 open files, select() fails
        channel_timeout=request_s,
        cleanup_interval=min(5, request_s),
        max_request_header_size=64_000,
        max_request_body_size=settings.body_limit_mb * 1_000_000 + 1,
        inbuf_overflow=_IN_MEMORY,
        **proxy_options(settings),
    )
    for part in parts.values():
        if isinstance(part, BaseWSGIServer):  # a name may have several addresses
            part.channel_class = BoundedChannel
    return server


class BoundedChannel(HTTPChannel):  # type: ignore[misc]  # the library has no types
    """A connection on which a request that trickles in counts as no activity, and ends with the timeout."""

    begun = 0.0

    def handle_read(self) -> None:
        """Read what is there; an unfinished request's age is the age of its first byte."""
        fresh = self.request is None
        super().handle_read()
        if self.request is not None:
            self.begun = time.time() if fresh else self.begun
            self.last_activity = self.begun

    @staticmethod
    def error_task_class(channel: HTTPChannel, request: Any) -> ErrorTask | WSGITask:
        """What answers a request that was not read: of one too large the application, as of any other error."""
        return _TooLarge(channel, request) if request.error.code == 413 else _Malformed(channel, request)


class _TooLarge(WSGITask):  # type: ignore[misc]
    """The application's own 413, with the headers a browser needs to read it."""

    def execute(self) -> None:
        self.set_close_on_finish()
        super().execute()

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ.update({OVER_LIMIT: True, "wsgi.input": BytesIO(), "CONTENT_LENGTH": "0"})
        return environ


class _Malformed(ErrorTask):  # type: ignore[misc]
    """No HTTP that the application could answer."""

    def execute(self) -> None:
        self.response_headers.extend(security_headers("text/plain").items())
        super().execute()
