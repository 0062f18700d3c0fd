"""Which FHIR server a caller's URL names: equal spellings are equal, and nothing is by accident."""

from functools import cache
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from cds_service.outbound.hosts import Target, target_for
from cds_service.settings import FhirServer, Settings

BASE = "https://ehr.example/fhir/r4"
IPV6 = "https://[2001:db8::a]/fhir"
PUNYCODE = "https://xn--mnchen-3ya.example/fhir"


@cache
def listing(base: str, mode: Any, **entry: Any) -> Settings:
    """Settings with one FHIR server."""
    return Settings(mode=mode, fhir_servers=(FhirServer(base=base, **entry),))


def named(
    url: str, base: str = BASE, *, mode: str = "production", issuer: str | None = None, **entry: object
) -> Target | None:
    """What a URL names where one base is listed."""
    return target_for(url, listing(base, mode, **entry), issuer)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        (BASE, BASE), (f"{BASE}/", BASE), (BASE, f"{BASE}/"), ("https://EHR.Example/fhir/r4", BASE),
        ("https://ehr.example:443/fhir/r4", BASE), (BASE, "https://ehr.example:443/fhir/r4/"),
        ("https://ehr.example:0443/fhir/r4", BASE), ("https://ehr.example", "https://EHR.example:443/"),
        ("https://[2001:DB8:0:0::000a]:443/fhir/", IPV6), ("https://XN--MNCHEN-3YA.example/fhir", PUNYCODE),
        ("https://ehr.example:8443/fhir", "https://ehr.example:8443/fhir/"),
    ],
)  # fmt: skip
def test_equal_spellings_name_the_same_server(url: str, base: str):
    """Host case, the scheme's own port, a trailing slash, the zeros of an IPv6 address."""
    assert Target(base.rstrip("/"), False) == named(url, base)


@pytest.mark.parametrize(
    "url",
    [
        # userinfo, and what some parsers take for it
        "https://ehr.example@attacker.example/fhir/r4", "https://attacker.example@ehr.example/fhir/r4",
        "https://:@ehr.example/fhir/r4", "https://@ehr.example/fhir/r4", "https://ehr.example:443@attacker.example/fhir/r4",
        "https://ehr.example%40attacker.example/fhir/r4",
        # backslashes, blanks, tabs and line breaks, which parsers drop or turn into slashes
        "https://ehr.example\\@attacker.example/fhir/r4", "https:\\\\ehr.example\\fhir\\r4", "https://ehr.example/fhir\\r4",
        "https://ehr.exa\tmple/fhir/r4", "https://ehr.example/fhir/\nr4", "https://ehr.example/fhir/r4\n", "\thttps://ehr.example/fhir/r4",
        "https://ehr.example/fhir/r4 ", " https://ehr.example/fhir/r4", "https://ehr.example/fhir/r4\x00", "https://ehr.example\r/fhir/r4",
        # dot segments and encoded letters: equal for some servers, never for us
        "https://ehr.example/fhir/./r4", "https://ehr.example/fhir/x/../r4", "https://ehr.example/../fhir/r4",
        "https://ehr.example/fhir/r4/.", "https://ehr.example/fhir/r4/..", "https://ehr.example/fhir%2Fr4", "https://ehr.example/%66hir/r4",
        "https://ehr.example/fhir/%2e%2e/r4", "https://%65hr.example/fhir/r4", "https://ehr.example/fhir//r4", "https://ehr.example//fhir/r4",
        "https://ehr.example/fhir/r4//", "https://ehr.example/fhir/R4", "https://ehr.example/fhir/r4;x", "https://ehr.example/fhir/r4/Patient",
        # query and fragment, empty ones too
        "https://ehr.example/fhir/r4?", "https://ehr.example/fhir/r4#", "https://ehr.example/fhir/r4?x=1", "https://ehr.example?/fhir/r4",
        # ports
        "https://ehr.example:0/fhir/r4", "https://ehr.example:80/fhir/r4", "https://ehr.example:65979/fhir/r4", "https://ehr.example:/fhir/r4",
        "https://ehr.example:４４３/fhir/r4", "https://ehr.example:+443/fhir/r4", "https://ehr.example:4 43/fhir/r4", "https://ehr.example:443:443/fhir/r4",
        # letters that lower-case or normalize to ours
        "https://EHR.EXAMPLE。/fhir/r4", "https://ehr。example/fhir/r4", "https://ｅhr.example/fhir/r4", "https://еhr.example/fhir/r4",
        "https://ehr.example./fhir/r4", "https://.ehr.example/fhir/r4", "https://ehr..example/fhir/r4", "https://ehr-example/fhir/r4",
        # another scheme
        "http://ehr.example/fhir/r4", "ftp://ehr.example/fhir/r4", "//ehr.example/fhir/r4", "ehr.example/fhir/r4",
        "https:/ehr.example/fhir/r4", "https:ehr.example/fhir/r4", "https:///ehr.example/fhir/r4", "HTTPS://ehr.example/fhir/r4",
        "file:///etc/passwd", "",
    ],
)  # fmt: skip
def test_look_alikes_name_nothing(url: str):
    """What needs decoding, dropping or guessing to be equal is not equal."""
    assert named(url) is None


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://[::ffff:10.0.0.5]/fhir", "https://10.0.0.5/fhir"), ("https://10.0.0.05/fhir", "https://10.0.0.5/fhir"),
        ("https://167772165/fhir", "https://10.0.0.5/fhir"), ("https://10.5/fhir", "https://10.0.0.5/fhir"),
        ("https://2001:db8::a/fhir", IPV6), ("https://[2001:db8::a%25eth0]/fhir", IPV6),
        ("https://[2001:db8::a%eth0]/fhir", IPV6), ("https://[2001:db8::a/fhir", IPV6),
        ("https://[[2001:db8::a]]/fhir", IPV6), ("https://[2001:db8::a].example/fhir", IPV6),
        ("https://[2001:db8::b]/fhir", IPV6), ("https://2001-db8--a.ipv6-literal.example/fhir", IPV6),
        ("https://münchen.example/fhir", PUNYCODE), ("https://MÜNCHEN.example/fhir", PUNYCODE),
        ("https://mu\u0308nchen.example/fhir", PUNYCODE),
        ("https://\u212aey.example/fhir", "https://key.example/fhir"), ("https://\u017fite.example/fhir", "https://site.example/fhir"),
    ],
)  # fmt: skip
def test_look_alikes_of_addresses_and_foreign_letters_name_nothing(url: str, base: str):
    """Other spellings of an IPv4 address, zones, missing brackets, letters beyond ASCII that fold to ours."""
    assert named(base, base) is not None
    assert named(url, base) is None


def meant(url: str) -> tuple[str | None, ...] | None:
    """Where the library that sends requests would go: an opinion independent of ours."""
    try:
        parts: Url = parse_url(url)
    except LocationParseError:
        return None
    port = str(parts.port or {"https": 443, "http": 80}.get(parts.scheme or ""))
    path = (parts.path or "").removesuffix("/")
    return (parts.scheme, parts.auth, parts.host, port, path, parts.query, parts.fragment)


ODD = st.sampled_from("/\\.:@%?#[]0123456789aAeEſK \t\r\n\x00;&=_-ü")


@given(st.data())
def test_no_small_change_of_a_listed_url_names_it_unless_it_means_it(data: st.DataObject):
    """One to three characters changed, dropped or put in anywhere."""
    base = data.draw(st.sampled_from([BASE, IPV6, PUNYCODE, "https://10.0.0.5:8443/a-b/~c"]))
    url = base
    for _ in range(data.draw(st.integers(1, 3))):
        place, gone = data.draw(st.integers(0, len(url))), data.draw(st.integers(0, 2))
        put = data.draw(st.text(ODD | st.characters(), max_size=2))
        url = url[:place] + put + url[place + gone :]
    if named(url, base) is not None:
        assert meant(base) == meant(url)


@given(st.data())
def test_case_port_and_slash_never_matter(data: st.DataObject):
    """For any host and path."""
    label = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
    segment = st.from_regex(r"[A-Za-z0-9_~!$&'()*+,;=:@%-]+", fullmatch=True)
    host = ".".join(data.draw(st.lists(label, min_size=1, max_size=3)))
    path = "".join(f"/{part}" for part in data.draw(st.lists(segment, max_size=3)))
    base = f"https://{host}{path}"
    shouted = "".join(letter.upper() if data.draw(st.booleans()) else letter for letter in host)
    url = f"https://{shouted}{data.draw(st.sampled_from(['', ':443']))}{path}{data.draw(st.sampled_from(['', '/']))}"
    assert Target(base, False) == named(url, base)


@given(st.text(max_size=60), st.text(max_size=20))
def test_whatever_is_sent_only_a_listed_base_comes_back(text: str, tail: str):
    """Nothing is raised, and the caller's own text is never what is called."""
    for url in (text, f"{BASE}{text}", f"https://ehr.example{text}{tail}", f"https://{text}/fhir/r4"):
        assert named(url) in (None, Target(BASE, False))


@given(st.sampled_from([BASE, "https://other.example/fhir"]), st.sampled_from([BASE, "https://other.example/fhir"]))
def test_each_of_several_servers_is_named_by_its_own_urls(first: str, second: str):
    """The entry that matches gives the base."""
    assume(first != second)
    settings = Settings(fhir_servers=(FhirServer(base=first), FhirServer(base=second, auth="none")))
    assert Target(first, False) == target_for(first, settings)
    assert Target(second, True) == target_for(f"{second}/", settings)


def test_plain_http_is_called_in_production_only_where_its_entry_says_so():
    """CDS Hooks 2.0.1: https where production data is exchanged. Test mode is for local servers."""
    inner = "http://hapi:8080/fhir"
    assert named(inner, inner) is None
    assert Target(inner, False) == named(inner, inner, allow_http=True)
    assert Target(inner, False) == named(inner, inner, mode="test")


def test_an_alias_names_the_base_and_is_never_called_itself():
    """What the browser calls localhost:8080 is another address for the service."""
    aliases = {"also_known_as": ("https://localhost:8080/fhir",)}
    target = named("https://localhost:8080/fhir/", **aliases)
    assert target is not None
    assert BASE == target.base
    assert named("https://localhost:8081/fhir", **aliases) is None


def test_a_server_of_one_issuer_is_not_named_by_another():
    """One EHR's call cannot send us to another EHR's chart."""
    one = {"issuers": ("https://one.example",)}
    assert named(BASE, issuer="https://one.example", **one) is not None
    for issuer in ("https://two.example", "https://one.example/", "", None):
        assert named(BASE, issuer=issuer, **one) is None
    assert named(BASE, mode="test", **one) is not None
    assert named(BASE, mode="test", issuer="https://two.example", **one) is None


@pytest.mark.parametrize(
    "base",
    [
        "https://münchen.example/fhir", "https://user@ehr.example/fhir", "https://ehr.example\\fhir", "https://ehr.example/fhir?x",
        "https://ehr.example/a b", "https://ehr.example:port/fhir", "https:///fhir", "ftp://ehr.example", "https://ehr.example/fhir\n",
    ],
)  # fmt: skip
def test_a_base_that_no_url_could_name_is_no_setting(base: str):
    """It would be a server that is silently never called; names in other letters are listed as punycode."""
    with pytest.raises(ValidationError):
        FhirServer(base=base)
