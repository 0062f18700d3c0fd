"""What one call may cost: its JSON, its resources, its texts, and how many there may be at once."""

import json
import threading
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from cds_service.errors import BadRequest, Busy, TooLarge
from cds_service.fhir_client.paging import MOST_ENTRIES
from cds_service.limits.body import MOST_DEEP, MOST_OBJECTS, MOST_PARTS, parts_of, read_json
from cds_service.limits.gate import Gate
from cds_service.limits.text import MOST_CHARACTERS
from tests import builders as b
from tests.cds_service.calls import card, client, prefetch, request
from tests.cds_service.test_listening import Waiting
from tests.documents import pdf_with

URL = "/cds-services/end-risk"
HEMORRHAGE = "Acute hemorrhage in the left basal ganglia."


def posted(body: bytes, content_type: str = "application/json", **headers: str) -> TestResponse:
    """The answer to a body as it is."""
    return client().post(URL, data=body, content_type=content_type, headers=headers)


def report(number: int, text: str, hours: float = 1) -> dict[str, Any]:
    """A report with this text and an id of its own."""
    return b.report(text, hours, id_=f"long-{number}")


def with_member(member: bytes) -> bytes:
    """A whole request with one more member, as bytes."""
    return b"{" + member + b"," + json.dumps(request()).encode()[1:]


def nested(depth: int) -> bytes:
    """A list of lists."""
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    "member",
    [
        b'"hook": "order-select"',
        b'"x": NaN',
        b'"x": -Infinity',
        b'"x": ' + b"1" * 5000,
        b'"x": ' + b"9" * 21,
        b'"x": 1e400',
        b'"x": -1e400',
        b'"x": 01',
        b'"x": "\t"',
        b'"x": "\xed\xa0\x80"',
        b'"x": "\xff"',
        b'"x": {"a": {"b": 1, "b": 2}}',
        b'"x": ' + nested(MOST_DEEP + 1),
        b'"x": ' + nested(100_000),
    ],
    ids=lambda member: member[:20].decode("latin-1"),
)
def test_what_two_readers_could_read_differently_is_400(member: bytes):
    """A member that stands twice, no number of JSON's, a number beyond range, no UTF-8, no end of nesting."""
    answer = posted(with_member(member))
    assert (400, "invalid") == (answer.status_code, answer.get_json()["issue"][0]["code"])


@pytest.mark.parametrize("key", ["nihss", "labs"])
@pytest.mark.parametrize("value", ["1e999999999", "-1e999999999", "1E-999999999", "9" * 5000, f"1e{9**999}", "sNaN"])
def test_a_number_that_no_computer_can_hold_costs_its_result_and_not_the_call(key: str, value: str):
    """Text that a decimal is read from; the good result beside it counts."""
    code = {"nihss": "70184-7", "labs": "2345-7"}[key]
    odd = b.observation(code, 1, "mg/dL", 2, "odd")
    odd["valueQuantity"]["value"] = value
    (good,) = [entry["resource"] for entry in prefetch()[key]["entry"]][-1:]
    assert card(**{key: b.searchset(odd, good)})["detail"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-7"])
def test_other_encodings_than_utf_8_are_400(encoding: str):
    """JSON between systems is UTF-8 (RFC 8259, 8.1), whatever the Content-Type says."""
    body = json.dumps(request() | {"hook": "patient-view\u00e9"}, ensure_ascii=False).encode(encoding)
    assert 400 == posted(body, f"application/json; charset={encoding}").status_code


def test_a_byte_order_mark_is_passed_over():
    """Some senders write one."""
    assert 200 == posted(b"\xef\xbb\xbf" + json.dumps(request()).encode()).status_code


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "identity, gzip", "x"])
def test_a_compressed_body_is_415(coding: str):
    """Nothing is unpacked, so that nothing can swell."""
    answer = posted(json.dumps(request()).encode(), content_encoding=coding)
    assert (415, "not-supported") == (answer.status_code, answer.get_json()["issue"][0]["code"])
    assert 200 == posted(json.dumps(request()).encode(), content_encoding="Identity").status_code


def test_half_a_surrogate_pair_is_mended():
    """A text that was cut within an emoji costs no card; whole ones stay."""
    body = rb'{"a": "cut \ud83d", "b": "\udc00\ud83d", "c": "\ud83d\ude00", "d": "\\ud83d", "\ud800": [1.5, null]}'
    assert {"a": "cut \ufffd", "b": "\ufffd\ufffd", "c": "\U0001f600", "d": r"\ud83d", "\ufffd": [1.5, None]} == (
        read_json(body)
    )
    text = prefetch(reports=b.searchset(b.report("FINDINGS: No hemorrhage. Cut \ud83d")))
    assert 200 == posted(json.dumps(request(prefetch=text)).encode()).status_code


def test_what_is_deep_but_not_too_deep_is_read():
    """At the limit, and one level more."""
    assert [] != read_json(nested(MOST_DEEP))
    with pytest.raises(BadRequest, match="deeper"):
        read_json(nested(MOST_DEEP + 2))


def test_objects_without_number_are_413():
    """A body of 500 kilobytes can hold half a million."""
    with pytest.raises(TooLarge):
        read_json(b"[" + b"{}," * MOST_OBJECTS + b"{}]")
    assert 413 == posted(with_member(b'"x": [' + b"[]," * MOST_OBJECTS + b"[]]")).status_code


@pytest.mark.parametrize("piece", [b"[],", b"{},", b"0,", b'"",', b'{"a":0},', b'"%x":0,'])
def test_a_body_of_nothing_but_small_parts_is_413_before_it_is_read(piece: bytes):
    """Eighteen megabytes take well under a second; lists, objects, numbers, texts and members all count."""
    named = b"%x" in piece
    parts = b"".join(piece % number for number in range(1_500_000)) if named else piece * (18_000_000 // len(piece))
    body = b"{" + parts + b'"x":0}' if named else b"[" + parts + b"0]"
    begun = time.process_time()
    with pytest.raises(TooLarge, match=f"more than {MOST_PARTS} values"):
        read_json(body)
    assert time.process_time() - begun < 0.3


def test_the_largest_honest_bodies_have_few_parts_for_their_size():
    """Fifteen thousand results in 6 MB without a blank are far from the bound, and so is text full of commas."""
    labs = [b.observation("2345-7", 130, "mg/dL", 1, f"o{number}") for number in range(15_000)]
    body = json.dumps(request(prefetch=prefetch(labs=b.searchset(*labs))), separators=(",", ":")).encode()
    text = json.dumps("No mass, no shift, no hemorrhage. " * 580_000).encode()
    assert parts_of(body) < MOST_PARTS / 2
    assert parts_of(text) < 1.2 * MOST_PARTS  # 20 MB
    assert read_json(body)


def test_reading_takes_time_in_proportion():
    """Ten times the body takes some ten times as long, whatever it is made of."""
    for piece in (b'"\\\\",', b"1.5,", b"{},", b'"\\ud83d",', b"10,", b'{"a":[]},'):
        short, long = (_seconds(b"[" + piece * count + b"0]") for count in (2_000, 20_000))
        assert long < 40 * short + 0.02, piece


def _seconds(body: bytes) -> float:
    taken = []
    for _ in range(5):
        begun = time.thread_time()
        read_json(body)
        taken.append(time.thread_time() - begun)
    return min(taken)


def test_more_results_than_are_read_cost_the_oldest_and_are_said():
    """The newest stay: an EHR that does not know ``_count`` sends years of them."""
    labs = [
        b.observation("2345-7", 400, "mg/dL", -1000 - 0.001 * number, f"o{number}") for number in range(MOST_ENTRIES)
    ]
    newest = b.observation("2345-7", 131, "mg/dL", 2, "newest")
    detail = card(labs=b.searchset(*labs, newest))["detail"]
    assert f"{MOST_ENTRIES + 1} were sent, the newest {MOST_ENTRIES} are read" in detail


def test_a_report_too_long_is_left_out_and_said_and_the_others_are_read():
    """Whole, as a report cut short lacks its impression; the call goes on."""
    long = report(1, "FINDINGS: No acute change. " * (MOST_CHARACTERS // 20), hours=3)
    one = card(reports=b.searchset(long, report(2, f"FINDINGS: {HEMORRHAGE}", hours=2)))
    assert "DiagnosticReport/long-1 left out: more report text than is read" in one["detail"]
    assert HEMORRHAGE in one["detail"]


def test_many_reports_are_read_from_the_newest_on():
    """Eleven of forty fit, and one line says how many did not."""
    texts = [f"FINDINGS: Study {number}. " + "No acute change. " * 600 for number in range(40)]
    reports = [report(number, text, hours=4 - number / 100) for number, text in enumerate(texts)]
    detail = card(reports=b.searchset(*reports))["detail"]
    assert "DiagnosticReport/long-11 and 28 more reports left out: more report text than is read" in detail


def test_an_attachment_too_large_is_left_out_and_said():
    """Nine megabytes of text in a report."""
    form = {"contentType": "text/plain", "data": b64encode(b"No hemorrhage. " * 600_000).decode()}
    one = b.report("x") | {"presentedForm": [form], "conclusion": f"IMPRESSION: {HEMORRHAGE}"}
    detail = card(reports=b.searchset(one))["detail"]
    assert "too large" in detail
    assert HEMORRHAGE in detail


def test_a_pdf_bomb_costs_its_report_and_not_the_call():
    """A hundred kilobytes that swell to 200 MB; the card says that it was not read."""
    form = {"contentType": "application/pdf", "data": b64encode(pdf_with(b" " * 200_000_000)).decode()}
    one = b.report("x") | {"presentedForm": [form], "conclusion": f"IMPRESSION: {HEMORRHAGE}"}
    detail = card(reports=b.searchset(one))["detail"]
    assert "an attachment is not read" in detail
    assert HEMORRHAGE in detail


@pytest.mark.parametrize(
    "unit_of",
    [
        lambda number: f"mg/dL.m{number % 90 + 1}.g{number // 90 + 1}/m",
        lambda number: "mg/dL" + "".join(f".{'mgsK'[number // 4**place % 4]}" for place in range(7)) + "/m",
        lambda _: "mL/min/m2",
    ],
    ids=["different", "long and different", "the same"],
)
def test_units_that_have_to_be_worked_out_cost_a_call_little(unit_of: Callable[[int], str]) -> None:
    """Two thousand glucose values in a megabyte, each in a unit of UCUM that is none of glucose, and a good one."""
    labs = [b.observation("2345-7", 130, unit_of(number), 1, f"u{number}") for number in range(2_000)]
    begun = time.process_time()
    one = card(labs=b.searchset(b.observation("2345-7", 131, "mg/dL", 2, "good"), *labs))
    taken = time.process_time() - begun
    begun = time.process_time()
    card(labs=b.searchset(*(lab | {"valueQuantity": {"value": 131, "unit": "mg/dL"}} for lab in labs)))
    assert taken < 2 * (time.process_time() - begun) + 1.5
    assert "Glucose left out" in one["detail"]


def test_a_gate_lets_as_many_work_as_it_has_places():
    """One more waits and gets the place that is left; where none is left in time it is refused."""
    gate = Gate(1, wait_s=0.05)
    with gate.place(), pytest.raises(Busy), gate.place():
        pass
    with gate.place():
        pass


def test_a_place_is_left_whatever_happens_in_it():
    """A call that fails takes no place with it."""
    gate = Gate(1, wait_s=0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), gate.place():
            raise ZeroDivisionError
    with gate.place():
        pass


def test_one_more_than_may_wait_is_refused_at_once():
    """It does not hold a thread until its time is over."""
    gate, inside = Gate(1, wait_s=5), threading.Event()

    def wait() -> None:
        with gate.place():
            inside.set()

    with gate.place():
        waiting = threading.Thread(target=wait)
        waiting.start()
        time.sleep(0.1)
        begun = time.monotonic()
        with pytest.raises(Busy), gate.place():
            pass
        assert 1 > time.monotonic() - begun
        assert not inside.is_set()
    waiting.join(5)
    assert inside.is_set()


def test_a_failed_call_leaves_its_place():
    """More bad calls than there are places, and then a good one."""
    service = client(calls_at_once=1)
    for body in (b"{", b"", b"[]", b"{}"):
        assert 400 <= service.post(URL, data=body, content_type="application/json").status_code < 500
    assert 200 == service.post(URL, json=request()).status_code


def test_a_call_waits_its_turn():
    """Two at once with one place: both are answered."""
    model = Waiting()
    service = client(predictor=model, calls_at_once=1)
    answers = []
    first = threading.Thread(target=lambda: answers.append(service.post(URL, json=request()).status_code))
    first.start()
    assert model.asked.wait(20)
    threading.Timer(0.1, model.go.set).start()
    other = request(hookInstance="0f9b1d52-7d7c-4a55-9b35-000000000002")
    answers.append(service.application.test_client().post(URL, json=other).status_code)
    first.join(20)
    assert [200, 200] == answers
