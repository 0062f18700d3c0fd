"""`endwatch check`: what is printed, what the exit status says, and what it is told in one sentence."""

import json
from pathlib import Path

import jwt
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cds_service.check.requirements import REQUIREMENTS
from cds_service.cli import main
from tests.cds_service.test_tls import certificate, serving
from tests.check.checked import REQUEST, free_port
from tests.check.faults import card, offered
from tests.check.other_service import ORIGIN
from tests.check.other_trust import ISS, PREFIX, Fault
from tests.check.served import other

KEY = ec.generate_private_key(ec.SECP384R1())


def run(*words: str) -> tuple[int, str]:
    """Exit status and output."""
    result = CliRunner().invoke(main, ["check", *words])
    return result.exit_code, result.output


@pytest.fixture
def request_file(tmp_path: Path) -> str:
    """A request with a whole prefetch."""
    (tmp_path / "request.json").write_text(json.dumps(REQUEST))
    return str(tmp_path / "request.json")


@pytest.fixture
def key_file(tmp_path: Path) -> str:
    """The EHR's key in PEM."""
    return write_pem(tmp_path, KEY)


def write_pem(folder: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    """A file with a key."""
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return str(folder / "key.pem")


def test_one_line_a_requirement_and_how_many_of_each(request_file: str):
    """Nothing that binds fails: 0."""
    with other() as base:
        code, text = run(f"{base}/", "--request", request_file, "--origin", ORIGIN, "--test-fhir")
    *lines, summary = text.splitlines()
    assert (0, len(REQUIREMENTS)) == (code, len(lines))
    assert "88 passed, 1 failed (0 SHALL), 14 not tried" == summary
    assert sorted(REQUIREMENTS) == [int(line[10:13]) for line in lines]


def test_a_failing_shall_is_quoted_and_told_by_the_exit_status(request_file: str):
    """1, with the row's number and what was seen."""
    with other(card(indicator="hard-stop")) as base:
        code, text = run(base, "--request", request_file)
    (line,) = [line for line in text.splitlines() if line.startswith("failed     51 SHALL ")]
    assert (1, True) == (code, line.endswith('card 1: indicator is "hard-stop", not info or warning or critical'))


def test_failing_advice_leaves_the_exit_status():
    """A title is recommended."""
    with other(offered(title=None)) as base:
        code, text = run(base)
    assert (0, True) == (code, 'service "drug-count": title is missing' in text)


def test_the_same_as_json():
    """A list of objects, one a requirement."""
    with other(offered(description=None)) as base:
        code, text = run(base, "--json")
    found = {one["row"]: one for one in json.loads(text)}
    assert (1, sorted(REQUIREMENTS)) == (code, list(found))
    assert {
        "row": 12, "strength": "SHALL", "binding": True, "requirement": "Each service has a description.",
        "result": "failed", "why": 'service "drug-count": description is missing',
    } == found[12]  # fmt: skip
    assert ("not tried", "no cards came (412); give a --request") == (found[50]["result"], found[50]["why"])


def test_what_is_not_tried_says_what_is_wanting():
    """A request, a key, a FHIR server, an origin."""
    with other() as base:
        text = run(base)[1]
    for wanted in ("give a --request", "give --key, --iss and perhaps --jku", "give --test-fhir", "give --origin"):
        assert wanted in text


def test_signed_with_a_key_everything_is_tried(request_file: str, key_file: str):
    """The key's id as the service has it, the URL of the public key where it is registered."""
    with other(public=KEY.public_key()) as base:
        jku = f"{base.removesuffix(PREFIX)}/keys"
        code, text = run(base, "--request", request_file, "--origin", ORIGIN, "--test-fhir", "--key", key_file,
                         "--iss", ISS, "--jku", jku, "--kid", "k1")  # fmt: skip
    assert (0, "101 passed, 0 failed, 2 not tried") == (code, text.splitlines()[-1])


def test_a_service_is_chosen_by_its_id(request_file: str):
    """One that is not listed is said."""
    with other() as base:
        assert " passed, 1 failed" in run(base, "--service", "drug-count", "--request", request_file)[1]
        text = run(base, "--service", "none")[1]
    assert "discovery lists no service of the given id" in text


@pytest.mark.parametrize("hook", ["order-sign", "order-select", "appointment-book", "org.example.other"])
def test_a_service_of_another_hook_is_checked_with_a_context_of_that_hook(hook: str):
    """What is of patient-view alone is not tried; a service that refuses the made-up request asks for another."""
    with other(offered(hook=hook)) as base:  # it goes on taking patient-view alone
        code, text = run(base)
    assert 0 == code
    assert "a made-up request answered 400" in text
    assert f'the service is for "{hook}"' in text


def test_the_run_stays_without_token_and_key(request_file: str, key_file: str):
    """Nothing of the key file, and no JSON Web Token, is printed."""
    with other(Fault("iss"), KEY.public_key()) as base:
        text = run(base, "--request", request_file, "--key", key_file, "--iss", ISS, "--kid", "k1")[1]
    assert "answered 200" in text
    assert "eyJ" not in text
    assert "PRIVATE" not in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ftp://a.example"], "the URL has to be http:// or https://"),
        (["http://user:secret@a.example"], "the URL has to be http:// or https://"),
        (["http://a.example", "--iss", ISS], "--key and --iss go together"),
        (["http://a.example", "--request", __file__], "is not JSON"),
        (["http://a.example", "--key", __file__, "--iss", ISS], "holds no private key that is read"),
        (["http://a.example", "--ca-file", __file__], "--ca-file holds no certificate"),
        (["http://a.example", "--fhir-host", "10.0.0.1"], "go with --test-fhir"),
        (["http://a.example", "--fhir-port", "8080"], "go with --test-fhir"),
        (["http://a.example", "--test-fhir", "--fhir-host", "::"], "--fhir-host :: takes --fhir-base"),
        (["http://a.example", "--test-fhir", "--fhir-base", "fhir"], "the URL has to be http:// or https://"),
    ],
)
def test_what_cannot_be_used_is_told_in_one_sentence(words: list[str], said: str):
    """Without a trace, and without the secret."""
    code, text = run(*words)
    assert 0 != code
    assert said in text
    assert "secret" not in text.replace("the URL", "")


@pytest.mark.parametrize(
    ("whole", "said"),
    [({"hook": "patient-view"}, "it has no context"), ({"context": {}, "prefetch": []}, "its prefetch is no object")],
)
def test_a_file_that_holds_no_request_is_told(tmp_path: Path, whole: object, said: str):
    """Before anything is called."""
    (tmp_path / "request.json").write_text(json.dumps(whole))
    code, text = run("http://127.0.0.1:9", "--request", str(tmp_path / "request.json"))
    assert (1, True) == (code, said in text)


def test_a_jwk_that_is_no_private_key_of_p_384_is_refused(tmp_path: Path):
    """A public key, another curve, a shared secret."""
    kind = jwt.algorithms.ECAlgorithm
    other_curve = ec.generate_private_key(ec.SECP256R1())
    keys = (
        kind.to_jwk(KEY.public_key()),
        kind.to_jwk(other_curve),
        '{"kty": "oct", "k": "YWJj"}',
        "{}",
        '{"kty": "EC"}',
    )
    for text in keys:
        (tmp_path / "key.json").write_text(text)
        code, said = run("http://127.0.0.1:9", "--key", str(tmp_path / "key.json"), "--iss", ISS)
        assert (1, True) == (code, said.startswith("Error: "))


@pytest.mark.parametrize("name", ["127.0.0.2", "localhost"])
def test_a_service_elsewhere_reaches_the_fhir_server_by_another_address(request_file: str, name: str):
    """It listens at an address of its own, or is reached under a base that it does not listen at."""
    port = free_port()
    where = ["--fhir-host", name] if name[0].isdigit() else ["--fhir-base", f"http://{name}:{port}/r4/"]
    with other() as base:
        text = run(base, "--request", request_file, "--test-fhir", "--fhir-port", str(port), *where, "--json")[1]
    found = {one["row"]: one["result"] for one in json.loads(text)}
    assert {"passed"} == {found[row] for row in (30, 36, 40, 41, 42, 107)}


def test_a_private_authority_is_told_by_a_file(tmp_path: Path):
    """Without it TLS fails, and is said to; with it the service is reached."""
    own = certificate(tmp_path, "localhost")
    with serving(own) as (url, _, _):
        without, with_it = run(url)[1], run(url, "--ca-file", str(own))[1]
    assert "gave no answer (not reachable: TLS failed; --ca-file takes a private authority)" in without
    assert 'discovery answered "{"a": 1}"' in with_it


def test_a_port_that_is_taken_is_told(request_file: str):
    """By the system's words."""
    with other() as base:
        port = base.removesuffix(PREFIX).rpartition(":")[2]
        code, text = run(base, "--test-fhir", "--fhir-port", port)
    assert (1, True) == (code, text.startswith("Error: "))
