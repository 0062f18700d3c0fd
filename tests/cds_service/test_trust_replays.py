"""The store of seen tokens: one use each in all workers, for as long as the token could be used."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from cds_service.errors import NotAuthenticated
from cds_service.hooks.replays import KEPT, Replays, ReplayStoreError, SeenToken, token_key, use_key
from cds_service.hooks.trust import Called, Trust
from cds_service.record.store import IN_MEMORY, open_store
from cds_service.settings import Issuer, Settings
from tests.cds_service.test_trust_keys import URL, KeyServer, ours
from tests.conformance.signing import ISS, JKU
from tests.fakes import session_with

WORKERS, ROUNDS = 8, 25
USE, OTHER_USE = use_key("/a", b"1"), use_key("/a", b"2")


def soon() -> datetime:
    """When a token that is used now ends."""
    return datetime.now(UTC) + timedelta(minutes=5)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database file."""
    return f"sqlite:///{tmp_path}/endwatch.sqlite"


def tokens(engine: Engine) -> set[str]:
    """The tokens that are remembered."""
    with engine.connect() as connection:
        return set(connection.scalars(select(SeenToken.token)))


def test_a_token_counts_once():
    """Also for the same use; another token is another."""
    replays = Replays(open_store(IN_MEMORY))
    assert [True, False, False] == [replays.first_use("a", use, soon()) for use in (USE, USE, OTHER_USE)]
    assert replays.first_use("b", USE, soon())


def test_the_same_use_counts_again_where_it_may():
    """Any number of times; what counts is the first use, not the last that was tried."""
    replays = Replays(open_store(IN_MEMORY))
    tried = [replays.first_use("a", use, soon(), or_same=True) for use in (USE, USE, OTHER_USE, USE, OTHER_USE)]
    assert [True, True, False, True, False] == tried


def test_of_two_workers_that_race_for_one_token_exactly_one_passes(url: str):
    """Each with an engine of its own on one file; many tokens, so that they meet at every step."""
    workers = [Replays(open_store(url)) for _ in range(2)]
    for number in range(ROUNDS):
        barrier = threading.Barrier(WORKERS)

        def use(at: int, token: str = f"t-{number}", barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            return workers[at % 2].first_use(token, USE, soon())

        with ThreadPoolExecutor(WORKERS) as pool:
            assert 1 == sum(pool.map(use, range(WORKERS)))
    for worker in workers:
        worker.engine.dispose()


# A worker opens the database, waits for the others, then uses everybody's tokens.
WORKER = """
import sys, time
from pathlib import Path
from cds_service.hooks.replays import Replays
from cds_service.record.store import open_store
from tests.cds_service.test_trust_replays import USE, soon

folder, url, me, many = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
replays = Replays(open_store(url))
(folder / f"ready-{me}").touch()
until = time.monotonic() + 60
while len(list(folder.glob("ready-*"))) < int(sys.argv[5]):
    assert time.monotonic() < until  # another worker did not start
    time.sleep(0.005)
print(*[number for number in range(many) if replays.first_use(f"t-{number}", USE, soon())])
"""


def test_each_token_passes_in_exactly_one_of_several_processes(tmp_path: Path, url: str):
    """They share nothing but the file."""
    open_store(url).dispose()
    command = [sys.executable, "-c", WORKER, str(tmp_path), url]
    started = [
        subprocess.Popen([*command, str(me), str(ROUNDS), "3"], stdout=subprocess.PIPE, text=True) for me in range(3)
    ]
    passed = [worker.communicate(timeout=120)[0].split() for worker in started]
    assert [str(number) for number in range(ROUNDS)] == sorted((one for some in passed for one in some), key=int)


def test_two_workers_verify_one_token_and_one_lets_it_in(url: str):
    """The whole check, in threads, with real signatures."""
    server = KeyServer()
    settings = Settings(issuers=(Issuer(iss=ISS, jku=(JKU,)),), simulated_risk="show")
    workers = [Trust(settings, session_with(server.fhir), Replays(open_store(url))) for _ in range(2)]
    header, barrier = ours(), threading.Barrier(WORKERS)

    def check(at: int) -> str:
        barrier.wait()
        try:
            return workers[at % 2].check(header, Called("/cds-services/end-risk", (URL,))) or ""
        except NotAuthenticated as error:
            return error.message

    with ThreadPoolExecutor(WORKERS) as pool:
        said = list(pool.map(check, range(WORKERS)))
    assert [*["replayed"] * (WORKERS - 1), ISS] == sorted(said, reverse=True)
    for worker in workers:
        worker.replays.engine.dispose()


def test_a_restart_forgets_nothing(url: str):
    """A token that was used before it is refused after it."""
    for expected in (True, False):
        engine = open_store(url)
        assert expected == Replays(engine).first_use("a", USE, soon())
        engine.dispose()


def test_what_can_be_used_no_more_is_removed_now_and_then():
    """Not before its time and the time that clocks may differ; the first use after a start removes, the next do not."""
    engine, now = open_store(IN_MEMORY), datetime.now(UTC)
    ends = {"gone": -KEPT - timedelta(seconds=5), "just": -KEPT + timedelta(minutes=1), "valid": timedelta(minutes=5)}
    for token, off in ends.items():
        Replays(engine, _cleared_at=float("inf")).first_use(token, USE, now + off)
    assert set(ends) == tokens(engine)
    replays = Replays(engine)
    replays.first_use("new", USE, soon())
    assert {"just", "valid", "new"} == tokens(engine)
    replays.first_use("old", USE, now - timedelta(days=1))
    assert {"just", "valid", "new", "old"} == tokens(engine)


def test_a_store_that_fails_says_so_and_nothing_of_the_token(url: str):
    """Neither its key nor the database's address."""
    engine = open_store(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE seen_tokens")
    with pytest.raises(ReplayStoreError, match=r"^OperationalError$"):
        Replays(engine).first_use("a", USE, soon())
    engine.dispose()


def test_a_database_of_an_earlier_version_gets_the_table(url: str):
    """And keeps what it holds."""
    engine = open_store(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE seen_tokens")
    engine.dispose()
    engine = open_store(url)
    assert Replays(engine).first_use("a", USE, soon())
    engine.dispose()


@settings(deadline=None)
@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_two_tokens_share_a_key_only_where_issuer_and_id_are_the_same(one: tuple[str, str], other: tuple[str, str]):
    """Whatever stands at the seam, half characters included."""
    assert (one == other) == (token_key(*one) == token_key(*other))
    assert token_key("a", "bc") != token_key("ab", "c")
    assert 64 == len(token_key(f"{one[0]}\ud800", other[1]))


@settings(deadline=None)
@given(st.tuples(st.text(), st.binary()), st.tuples(st.text(), st.binary()))
def test_two_uses_share_a_key_only_where_path_and_body_are_the_same(one: tuple[str, bytes], other: tuple[str, bytes]):
    """The store holds neither of them."""
    assert (one == other) == (use_key(*one) == use_key(*other))
