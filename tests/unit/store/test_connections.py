"""Connections: one process refreshes a token, all share a budget, a stopped one is news once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest

from cleargate.nouns.case import Attempt
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.ports import Token
from cleargate.store import attempts, connections
from cleargate.store.connections import Budget, StoredBudgets, StoredTokens
from cleargate.store.database import Database
from tests.house import House, TurnedClock, open_case

LIFE = timedelta(minutes=5)


@pytest.fixture
def name() -> str:
    """A connection that no other test uses."""
    return f"ehr-{uuid4().hex[:8]}"


@pytest.fixture
def second(house: House) -> Iterator[Database]:
    """The database as a second process has it."""
    with house.process() as database:
        yield database


class Mint:
    """The vendor's token endpoint, which counts."""

    def __init__(self, clock: TurnedClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.minted = 0

    def __call__(self) -> Token:
        with self._lock:
            self.minted += 1
            return Token(f"token-{self.minted}", self._clock.after(LIFE))


def test_a_token_is_shared_by_all_processes(
    house: House, second: Database, clock: TurnedClock, name: str
) -> None:
    mint = Mint(clock)
    here = StoredTokens(house.database, house.practice, clock)
    there = StoredTokens(second, house.practice, clock)
    assert here.current(name) is None
    token = here.refresh(name, None, mint)
    assert here.current(name) == there.current(name) == token
    assert there.refresh(name, None, mint) == token
    assert mint.minted == 1


def test_an_expired_token_is_not_in_force(house: House, clock: TurnedClock, name: str) -> None:
    tokens = StoredTokens(house.database, house.practice, clock)
    tokens.refresh(name, None, Mint(clock))
    clock.turn(LIFE)
    assert tokens.current(name) is None


def test_a_stale_token_is_replaced_once_by_eight_threads_of_two_processes(
    house: House, second: Database, clock: TurnedClock, name: str
) -> None:
    mint = Mint(clock)
    shared = [StoredTokens(each, house.practice, clock) for each in (house.database, second)]
    stale = shared[0].refresh(name, None, mint)
    together = threading.Barrier(8)

    def refresh(number: int) -> Token:
        together.wait()
        return shared[number % 2].refresh(name, stale, mint)

    with ThreadPoolExecutor(8) as pool:
        fresh = set(pool.map(refresh, range(8)))
    assert len(fresh) == 1
    assert stale not in fresh
    assert mint.minted == 2


def test_a_refresh_that_fails_leaves_the_next_one_free(
    house: House, clock: TurnedClock, name: str
) -> None:
    tokens = StoredTokens(house.database, house.practice, clock)

    def refused() -> Token:
        raise PortError(ErrorKind.AUTH, name, vendor_code="401")

    with pytest.raises(PortError):
        tokens.refresh(name, None, refused)
    assert tokens.refresh(name, None, Mint(clock)) == tokens.current(name)


def test_minting_a_token_may_take_from_the_budget_of_its_own_connection(
    house: House, clock: TurnedClock, name: str
) -> None:
    """The token endpoint is called over the same connection, which counts as a call."""
    tokens = StoredTokens(house.database, house.practice, clock)
    budgets = StoredBudgets(house.database, house.practice, clock, {name: Budget(2, 1.0)})

    def mint() -> Token:
        budgets.take(name)
        return Token("minted", clock.after(LIFE))

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(tokens.refresh, name, None, mint).result(timeout=20).value == "minted"


def test_practices_do_not_share_tokens(house: House, clock: TurnedClock, name: str) -> None:
    StoredTokens(house.database, house.practice, clock).refresh(name, None, Mint(clock))
    assert StoredTokens(house.database, house.other, clock).current(name) is None


def test_a_budget_is_exact_under_eight_threads_of_two_processes(
    house: House, second: Database, clock: TurnedClock, name: str
) -> None:
    budget = {name: Budget(burst=10, per_second=1.0)}
    shared = [
        StoredBudgets(each, house.practice, clock, budget) for each in (house.database, second)
    ]

    def take(number: int) -> bool:
        try:
            shared[number % 2].take(name)
        except PortError as error:
            assert error.kind is ErrorKind.RATE_LIMITED
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(24))) == 10
    clock.turn(timedelta(seconds=3))
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(24))) == 3


def test_an_empty_budget_says_how_long_to_wait(house: House, clock: TurnedClock, name: str) -> None:
    budgets = StoredBudgets(house.database, house.practice, clock, {name: Budget(1, 0.5)})
    budgets.take(name)
    clock.turn(timedelta(seconds=0.5))
    with pytest.raises(PortError) as caught:
        budgets.take(name)
    wait_s = caught.value.retry_after_s
    assert wait_s == pytest.approx(1.5)
    assert wait_s is not None
    clock.turn(timedelta(seconds=wait_s))
    budgets.take(name)


def test_a_budget_never_holds_more_than_its_burst(
    house: House, clock: TurnedClock, name: str
) -> None:
    budgets = StoredBudgets(house.database, house.practice, clock, {name: Budget(2, 1.0)})
    budgets.take(name)
    clock.turn(timedelta(hours=1))
    budgets.take(name)
    budgets.take(name)
    with pytest.raises(PortError):
        budgets.take(name)


def test_a_connection_without_a_budget_is_not_limited(
    house: House, clock: TurnedClock, name: str
) -> None:
    budgets = StoredBudgets(house.database, house.practice, clock, {})
    for _ in range(3):
        budgets.take(name)
    with house.session() as session:
        assert name not in {each.name for each in connections.states(session)}


def test_a_stopped_connection_is_news_once_and_again_when_it_works(
    house: House, clock: TurnedClock, name: str
) -> None:
    def call() -> None:
        attempts.add(session, case, [Attempt("find", name, clock.now(), 1, "ok")])

    with house.session() as session:
        case = open_case(session, clock.now())
        call()
        clock.turn(timedelta(seconds=1))
        assert not connections.mark(session, name, "ok", "", clock.now())
        assert connections.mark(session, name, "stopped", "401", clock.now())
        assert not connections.mark(session, name, "stopped", "401", clock.now())
        state = next(each for each in connections.states(session) if each.name == name)
        assert (state.state, state.code) == ("stopped", "401")
        assert connections.works(session, case, clock.now()) == []
        clock.turn(timedelta(seconds=1))
        call()
        assert connections.works(session, case, clock.now()) == [name]
        assert connections.works(session, case, clock.now()) == []
