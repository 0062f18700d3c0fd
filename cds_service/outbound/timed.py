"""Answers that have to be there, whole, by one moment."""

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any

MOST_S = 60.0
"""The longest that a connection or an answer may take where its request named no timeout (assumption)."""


class _Until(io.RawIOBase):
    """A socket's bytes, each read with the time that is left until one moment for them all.

    A timeout of a socket starts anew with every byte: headers or a body that drip would never end.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock
        self._until = time.monotonic() + (sock.gettimeout() or MOST_S)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class TimedResponse(HTTPResponse):
    """A response whose status, headers and body have one timeout together: the socket's at its start."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_Until(self.fp.detach(), sock))
