"""Connections whose address is checked where they are made, so that every request is.

A name is resolved once, its addresses are judged, and the socket is connected to exactly one of
those judged: a name server that gives another address the second time (DNS rebinding) is never
asked a second time. Host header, SNI and the certificate's name stay those of the URL.
"""

import logging
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import SSLError
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from cds_service.outbound.addresses import allowed
from cds_service.outbound.timed import MOST_S, TimedResponse

logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)  # it logs URLs, and these hold patients' ids

POOL = 8
"""Requests of one call in flight at once; hosts whose connections are kept."""

_LEAST_S = 0.001  # 0 would not wait at all

Resolve = Callable[[str], Sequence[str]]
"""From a host's name to its addresses, numeric. Raises `OSError` where there are none."""


def resolved(host: str) -> list[str]:
    """The addresses of a host as the system knows them."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "no host name") from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedAdapter(HTTPAdapter):
    """The transport of a session: `_Plain` and `_Tls` connections from a pool, of which so many a host are kept."""

    def __init__(self, resolve: Resolve = resolved, kept: int = POOL) -> None:
        self._resolve = resolve  # first: the parent's __init__ makes the pools
        super().__init__(pool_connections=POOL, pool_maxsize=kept)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Pools whose connections are checked."""
        super().init_poolmanager(*args, **kwargs)
        pools = {"http": partial(_PlainPool, resolve=self._resolve), "https": partial(_TlsPool, resolve=self._resolve)}
        self.poolmanager.pool_classes_by_scheme = pools


class OwnAuthorityAdapter(CheckedAdapter):
    """The same for hosts of which only certificates under the authorities in one file count (PEM)."""

    def __init__(self, ca_file: Path, resolve: Resolve = resolved, kept: int = POOL) -> None:
        super().__init__(resolve, kept)
        self._ca_file = ca_file

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """The answer to one request; what the session trusts besides does not count."""
        if not self._ca_file.is_file():
            raise SSLError("the file of its authorities is gone")
        return super().send(request, *args, **(kwargs | {"verify": str(self._ca_file)}))


class _Plain(HTTPConnection):
    """A connection to an address that was judged."""

    response_class = TimedResponse

    def __init__(self, *args: Any, resolve: Resolve, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._resolve = resolve

    def _new_conn(self) -> socket.socket:
        until = time.monotonic() + (self.timeout or MOST_S)
        try:
            sock = connected(self._addresses(until), self.port, until)
        except TimeoutError:
            raise ConnectTimeoutError(self, "timed out") from None
        except OSError as error:
            raise NewConnectionError(self, str(error)) from None
        for option in self.socket_options or ():
            sock.setsockopt(*option)
        return sock

    def _addresses(self, until: float) -> list[str]:
        """Those that may be connected to. A look-up cannot be timed out: it is left to itself."""
        pool = ThreadPoolExecutor(1)
        try:
            found = pool.submit(self._resolve, self._dns_host).result(until - time.monotonic())
        finally:
            pool.shutdown(wait=False)
        return allowed(self._dns_host, found)


class _Tls(_Plain, HTTPSConnection):
    """The same under TLS."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _Tls


def connected(addresses: Sequence[str], port: int, until: float) -> socket.socket:
    """A socket connected to the first numeric address that answers; each gets its share of the time.

    What is left until the `time.monotonic` moment is the socket's timeout. Raises the last address's
    `OSError`, `TimeoutError` among them.
    """
    for still in range(len(addresses), 1, -1):
        try:
            return _connect(addresses[-still], port, until, still)
        except OSError:
            continue
    return _connect(addresses[-1], port, until, 1)


def _connect(address: str, port: int, until: float, shares: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.settimeout(max((until - time.monotonic()) / shares, _LEAST_S))
        sock.connect((address, port))
        sock.settimeout(max(until - time.monotonic(), _LEAST_S))
    except OSError:
        sock.close()
        raise
    return sock
