"""What leaves in a try is on the trail with the try, and its beginning was there before."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier

import httpx2
import pytest
import sqlalchemy as sa

from cleargate.connectors.wires.http import Http, HttpSettings
from cleargate.engine.calls import GatheringRecorder, gathered
from cleargate.engine.endings import Closed, Ending, NeedsPerson
from cleargate.engine.phases import Engine
from cleargate.engine.run import Run, Write, load_case
from cleargate.nouns.case import Case, CaseState, Outcome, Receipt
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.gate import Choice, Gate
from cleargate.nouns.ids import CaseId, Ref
from cleargate.store import connections
from cleargate.store.calls import StoredCalls
from cleargate.store.connections import StoredTokens
from cleargate.store.queue import start_phase
from tests.house import House, TurnedClock, open_case
from tests.trail import TRAIL
from tests.unit.connectors.parts import Calls, Secrets, Unlimited
from tests.unit.engine.vendor import Killed

PHASE = "sample.first"
URL = "https://ehr.example.test/fhir"
BEGIN = ("call.begin", "ok", "book")

_TRAIL = sa.text(
    f"select type, outcome, code, connection, case_id from {TRAIL}"
    " where practice_id = :practice and type like 'call.%'"
    " and case_id is not distinct from cast(:case as uuid) order by recorded"
)

Answer = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture
def case(house: House, clock: TurnedClock) -> CaseId:
    with house.session() as session:
        return open_case(session, clock.now(), phase=PHASE)


@pytest.fixture
def run(house: House, clock: TurnedClock, case: CaseId) -> Run[None]:
    return Run(
        practice=None,
        practice_id=house.practice,
        case=load_case(house.database, house.practice, case, 1),
        phase=PHASE,
        database=house.database,
        clock=clock,
        last_moment=lambda since: since + timedelta(hours=24),
    )


def _http(house: House, answer: Answer) -> Http:
    return Http(
        "ehr",
        HttpSettings(base_url=URL, deadline_s=5),
        secrets=Secrets(),
        budget=Unlimited(),
        recorder=GatheringRecorder(StoredCalls(house.database, house.practice)),
        transport=httpx2.MockTransport(answer),
    )


def _post(http: Http, ref: Ref | None = None) -> Receipt:
    reply = http.call("POST", URL, operation="create:Appointment", write=True, content=b"{}")
    if reply.status != 201:
        raise http.failure(reply, write=True)
    return Receipt("1", Outcome.CREATED)


def _told(house: House, case: CaseId | None) -> list[tuple[str, str, str]]:
    with house.session() as session:
        rows = session.all(_TRAIL, case=case)
    return [(row["type"], row["outcome"], row["code"]) for row in rows]


def test_a_write_is_told_before_it_leaves_and_after(
    house: House, case: CaseId, run: Run[None]
) -> None:
    seen: list[list[tuple[str, str, str]]] = []

    def answer(_: httpx2.Request) -> httpx2.Response:
        seen.append(_told(house, case))
        return httpx2.Response(201)

    run.write(Write("book", "ehr", partial(_post, _http(house, answer))))
    assert seen == [[BEGIN]]
    assert _told(house, case) == [BEGIN, ("call.book", "ok", "create:Appointment:201")]


def test_a_read_is_told_before_it_leaves_and_with_the_next_commit(
    house: House, case: CaseId, run: Run[None]
) -> None:
    seen: list[list[tuple[str, str, str]]] = []

    def answer(_: httpx2.Request) -> httpx2.Response:
        seen.append(_told(house, case))
        return httpx2.Response(200)

    http = _http(house, answer)
    run.read("find", "ehr", lambda: http.call("GET", URL, operation="search:Patient", write=False))
    assert seen == [[("call.begin", "ok", "find")]]
    run.end(Closed(CaseState.DONE))
    assert _told(house, case)[1:] == [("call.find", "ok", "search:Patient:200")]


def test_every_failed_try_is_told(house: House, case: CaseId, run: Run[None]) -> None:
    answers = [httpx2.Response(409), httpx2.Response(201)]
    write = Write("book", "ehr", partial(_post, _http(house, lambda _: answers.pop(0))))
    run.write(write)
    assert _told(house, case) == [
        BEGIN,
        ("call.book", "refused", "create:Appointment:409"),
        BEGIN,
        ("call.book", "ok", "create:Appointment:201"),
    ]


def test_a_worker_that_dies_in_a_call_leaves_its_beginning(
    house: House, case: CaseId, run: Run[None]
) -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        raise Killed

    with pytest.raises(Killed):
        run.write(Write("book", "ehr", partial(_post, _http(house, answer))))
    assert _told(house, case) == [BEGIN]


def test_a_try_that_called_nobody_ends_its_beginning(
    house: House, case: CaseId, run: Run[None]
) -> None:
    def refuse(_: Ref) -> Receipt:
        raise PortError(ErrorKind.UNSUPPORTED, "ehr", vendor_code="create:Appointment")

    with pytest.raises(NeedsPerson):
        run.write(Write("book", "ehr", refuse))
    assert _told(house, case) == [BEGIN, ("call.book", "unsent", "nobody:unsupported")]


def test_what_left_for_a_case_that_has_moved_on_is_told(
    house: House, clock: TurnedClock, case: CaseId
) -> None:
    """Somebody withdraws while the worker is in a call."""

    def answer(_: httpx2.Request) -> httpx2.Response:
        with house.session() as session:
            start_phase(session, case, "sample.second")
        return httpx2.Response(200)

    http = _http(house, answer)

    def procedure(run: Run[None]) -> Ending:
        run.read(
            "find", "ehr", lambda: http.call("GET", URL, operation="search:Patient", write=False)
        )
        return Closed(CaseState.DONE)

    _engine(house, clock, procedure).run_phase(PHASE, house.practice, case, 1)
    assert _told(house, case)[1:] == [("call.find", "ok", "search:Patient:200")]


def test_what_left_before_the_database_went_away_is_told_by_the_next_run(
    house: House, clock: TurnedClock, case: CaseId
) -> None:
    http = _http(house, lambda _: httpx2.Response(200))
    gone = [sa.exc.OperationalError("", {}, Exception())]

    def procedure(run: Run[None]) -> Ending:
        run.read(
            "find", "ehr", lambda: http.call("GET", URL, operation="search:Patient", write=False)
        )
        if gone:
            raise gone.pop()
        return Closed(CaseState.DONE)

    _engine(house, clock, procedure).run_phase(PHASE, house.practice, case, 1)
    types = [each[0] for each in _told(house, case)]
    assert types == ["call.begin", "call.find"] * 2


def _engine(
    house: House, clock: TurnedClock, procedure: Callable[[Run[None]], Ending]
) -> Engine[None]:
    def gate_for(needs: NeedsPerson, _case: Case, phase: str) -> Gate:
        return Gate(needs.reason, "tip", (), (Choice.ASK_AGAIN,), phase)

    return Engine(
        database=house.database,
        clock=clock,
        practices=lambda _: None,
        procedures={PHASE: procedure},
        last_moment=lambda *_: clock.after(timedelta(hours=24)),
        gate_for=gate_for,
    )


def test_what_belongs_to_no_try_is_told_at_once(house: House, clock: TurnedClock) -> None:
    """A token that is minted for a page or a check-up, in the middle of the token's transaction."""
    http = _http(house, lambda _: httpx2.Response(200))
    tokens = StoredTokens(house.database, house.practice, clock)

    def mint() -> connections.Token:
        http.call("POST", URL, operation="token", write=False)
        return connections.Token("sample", clock.after(timedelta(hours=1)))

    tokens.refresh("ehr", None, mint)
    assert _told(house, None) == [("call.token", "ok", "token:200")]


def test_calls_that_are_made_side_by_side_land_at_their_own_try() -> None:
    aside = Calls()
    recorder = GatheringRecorder(aside)
    both = Barrier(2, timeout=20)

    def ask(name: str) -> list[str]:
        http = Http(
            name,
            HttpSettings(base_url=URL, deadline_s=5),
            secrets=Secrets(),
            budget=Unlimited(),
            recorder=recorder,
            transport=httpx2.MockTransport(lambda _: (both.wait(), httpx2.Response(200))[1]),
        )
        with gathered() as calls:
            for _ in range(3):
                http.call("POST", URL, operation="ask", write=True)
        return [call.connection for call in calls]

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(ask, ("first", "second"))) == [["first"] * 3, ["second"] * 3]
    assert aside == []
