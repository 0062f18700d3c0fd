"""The URL called as a proxy tells it: believed from the one that is trusted, with the real web server between."""

from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from waitress.adjustments import Adjustments
from waitress.proxy_headers import proxy_headers_middleware

from cds_service.hooks.forwarded import forwarded_urls, proxy_options
from cds_service.settings import Settings
from tests.cds_service.calls import request
from tests.conformance.signing import Signer
from tests.served import ask, served

URL = "/cds-services/end-risk"
HOST, HTTPS = {"X-Forwarded-Host": "cds.hospital.example"}, {"X-Forwarded-Proto": "https"}
TOLD: list[tuple[dict[str, str], bool]] = [
    (HOST | HTTPS, True),
    (HOST | HTTPS | {"X-Forwarded-Port": "8443"}, True),  # the port is not believed, from anybody
    (HOST | {"X-Forwarded-Proto": "http"}, False),
    (HOST, False),
    (HTTPS | {"Host": "cds.hospital.example"}, False),
    (HTTPS | {"X-Forwarded-Host": "other.example"}, False),
    ({"Forwarded": "host=cds.hospital.example;proto=https"}, False),
]
"""Headers, and whether they tell https://cds.hospital.example where the proxy is the trusted one."""


@pytest.mark.parametrize("proxy", ["127.0.0.1", "192.0.2.1", None])
def test_the_url_that_a_proxy_tells_counts_only_from_the_trusted_one(tmp_path: Path, proxy: str | None):
    """Called from 127.0.0.1; the URL of the setting always counts."""
    signer = Signer(tmp_path)
    with served(issuers=signer.production()["issuers"], trusted_proxy=proxy) as port:

        def status(headers: dict[str, str], **claims: Any) -> int:
            return ask(port, "POST", URL, request(), **headers, **signer.header(URL, **claims)).status

        for headers, tells in TOLD:
            expected = 200 if tells and proxy == "127.0.0.1" else 401
            assert expected == status(headers, aud=f"https://cds.hospital.example{URL}"), headers
            assert 200 == status(headers)


def told_names(environ: WSGIEnvironment, start: StartResponse) -> list[str]:
    """An application that answers which headers of proxies reached it."""
    start("200 OK", [])
    return sorted(name for name in environ if "FORWARDED" in name)


@pytest.mark.parametrize(
    ("proxy", "kept"),
    [(None, []), ("192.0.2.1", []), ("127.0.0.1", ["HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO"])],
)
def test_no_other_header_of_a_proxy_reaches_the_application(proxy: str | None, kept: list[str]):
    """So that no part of it can come to believe one."""
    options = Adjustments(**proxy_options(Settings(trusted_proxy=proxy)))
    server = proxy_headers_middleware(
        told_names,
        trusted_proxy=options.trusted_proxy,
        trusted_proxy_headers=options.trusted_proxy_headers,
        clear_untrusted=options.clear_untrusted_proxy_headers,
    )
    others = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_BY", "HTTP_FORWARDED")
    told = {"HTTP_X_FORWARDED_HOST": "cds.example", "HTTP_X_FORWARDED_PROTO": "https"} | dict.fromkeys(others, "1")
    assert kept == server({"REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http"} | told, lambda *_: None)


def test_the_proxy_s_address_is_looked_at_again_where_the_url_is_made():
    """Another web server may leave the headers of others where they are."""
    settings = Settings(trusted_proxy="2001:db8::0:1")
    environ = {"wsgi.url_scheme": "https", "HTTP_HOST": "cds.example", "HTTP_X_FORWARDED_HOST": "cds.example"}
    assert ("https://cds.example/a",) == forwarded_urls(environ | {"REMOTE_ADDR": "2001:db8::1"}, "/a", settings)
    for address in ({"REMOTE_ADDR": "2001:db8::2"}, {"REMOTE_ADDR": ""}, {}):
        assert () == forwarded_urls(environ | address, "/a", settings)
