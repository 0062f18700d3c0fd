"""Connections under TLS: the address is checked, and the certificate and SNI are of the URL's own name."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cds_service.outbound.session import OutboundError, get_json, new_session
from tests.loopback import http, listening, renamed


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate for one name, with its key, in a file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + signed.public_bytes(Encoding.PEM)
    )
    return path


@contextmanager
def serving(path: Path) -> Iterator[tuple[str, list[str | None], list[bytes]]]:
    """A TLS server with this certificate under ``localhost``: its URL, the names asked for, the requests."""
    names: list[str | None] = []
    requests: list[bytes] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    context.sni_callback = lambda _, name, __: names.append(name)

    def reply(connection: socket.socket) -> None:
        try:
            with context.wrap_socket(connection, server_side=True) as secure:
                requests.append(secure.recv(65_536))
                secure.sendall(http(b'{"a": 1}', "Connection: close"))
        except OSError:
            return  # hung up on in the handshake, as should be

    with listening(reply) as (url, _):
        yield renamed(url.replace("http:", "https:"), "localhost"), names, requests


def fetched(url: str, trusted: Path) -> object:
    """The JSON at a URL, with one certificate trusted, where the name server says 127.0.0.1 to every name."""
    with new_session(lambda _: ["127.0.0.1"]) as session:
        session.verify = str(trusted)
        return get_json(session, url, until=time.monotonic() + 5)


def test_name_in_handshake_and_certificate_is_the_urls(tmp_path: Path):
    """The connection goes to a number, and all that is said and verified is the name."""
    own = certificate(tmp_path, "localhost")
    with serving(own) as (url, names, requests):
        assert {"a": 1} == fetched(url, own)
    assert ["localhost"] == names
    assert b"\r\nHost: localhost:" in requests[0]


@pytest.mark.parametrize("name", ["ehr.example", "127.0.0.1.example"])
def test_a_certificate_of_another_name_gets_no_request(tmp_path: Path, name: str):
    """Trusted as it is, it is not this host's: no token is sent."""
    other = certificate(tmp_path, name)
    with serving(other) as (url, _, requests), pytest.raises(OutboundError, match="not reachable: TLS failed"):
        fetched(url, other)
    assert [] == requests


def test_a_certificate_that_nobody_vouches_for_gets_no_request(tmp_path: Path):
    """The right name, signed by itself, while another is trusted: to us, the server is down."""
    (tmp_path / "other").mkdir()
    own, other = certificate(tmp_path, "localhost"), certificate(tmp_path / "other", "localhost")
    with serving(own) as (url, _, requests), pytest.raises(OutboundError, match="not reachable: TLS failed") as error:
        fetched(url, other)
    assert error.value.is_down
    assert [] == requests


def test_the_address_is_checked_before_the_handshake(tmp_path: Path):
    """Not even the name of what we look for is told to whom the name server led us."""
    own = certificate(tmp_path, "ehr.example")
    with serving(own) as (url, names, _), pytest.raises(OutboundError, match="address not allowed: loopback"):
        fetched(renamed(url, "ehr.example"), own)
    assert [] == names
