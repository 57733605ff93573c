"""What row-level security costs: a million rows of fifty practices, the five busiest queries.

Three connections take turns within each round: the app role, which the policies bind; a role that
passes by them (BYPASSRLS); and the app role once more. The last pair differs in nothing, so that
the spread of its ratio is the noise. What is measured is the time of the server's process on a CPU:
whoever else works on the machine delays a call, but does not lengthen that. Which queries are
busiest was counted over the tests of a whole booking; the two of the desk are asked by every open
page, all day.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import md5
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import sqlalchemy as sa

from cleargate.store import audit, cases, gates, inquiries
from cleargate.store.connect import PREPARE_AFTER
from cleargate.store.embedded import SUPERUSER, EmbeddedPostgres
from tests.house import APP_PASSWORD, House, make_template, open_house
from tests.postgres import connect, temporary_cluster

PRACTICES = 50
CASES = 200_000
ROWS = 1_000_000
ROUNDS = 13
CALLS = 80
"""Calls of one query in one turn, in one transaction."""

ROUNDS_MIN = 5
LIMIT_S = 180.0
"""On a busy machine there are fewer rounds, and more noise."""

UNBOUND = "bench_unbound"
RATIO_MAX = 1.05
"""Where the noise is narrower than this, so much still counts as none."""

# Each statement makes 200,000 rows: four of them for each of the practices' cases.
_LOAD = (
    "insert into practices (id, slug, name, zone)"
    " select md5('p' || n)::uuid, 'bench-' || n, 'Bench', 'UTC' from generate_series(0, 49) n",
    "insert into cases (practice_id, id, kind, state, channel, visit_type, payment, request, memo,"
    " person_index, form_nonce, phase, phase_seq, created_at, updated_at)"
    " select md5('p' || n % 50)::uuid, md5('c' || n)::uuid, 'booking',"
    " case when n % 20 < 3 then 'open' else 'done' end, 'web', 'eval', 'insurance',"
    " decode(repeat('00ff', 200), 'hex'), decode(repeat('0f', 100), 'hex'),"
    " decode(md5('i' || n), 'hex'), decode(md5('n' || n), 'hex'), 'booking.verify', 1,"
    " now() - n * interval '1 second', now() from generate_series(0, 199999) n",
    "insert into inquiries (practice_id, id, case_id, rank, generation, payer_id, payer_name,"
    " connection, payer_code, service_date, state, coverage)"
    " select md5('p' || n % 50)::uuid, md5('q' || n)::uuid, md5('c' || n)::uuid, 1, 1, 'sample',"
    " 'Sample Payer', 'clearinghouse', 'S', '2030-01-07', 'answered',"
    " decode(repeat('00ff', 150), 'hex') from generate_series(0, 199999) n",
    "insert into gates (practice_id, id, case_id, reason, evidence, state, opened_at)"
    " select md5('p' || n % 50)::uuid, md5('g' || n)::uuid, md5('c' || n)::uuid, 'no_opening',"
    " decode(repeat('0f', 150), 'hex'), case when n % 100 < 50 then 'open' else 'decided' end,"
    " now() - n * interval '1 second' from generate_series(0, 199999) n",
    "insert into audit_events (practice_id, id, body)"
    " select md5('p' || n % 50)::uuid, md5('a' || n)::uuid, jsonb_build_object('type', 'case.read',"
    " 'action', 'R', 'outcome', 'ok', 'actor', 'staff:sample', 'entity_type', 'case', 'entity_id',"
    " md5('c' || n % 200000), 'case', md5('c' || n % 200000)::uuid)"
    " from generate_series(0, 399999) n",
)


_CHILDREN = ("inquiries", "gates")


@dataclass(frozen=True, slots=True)
class Query:
    """One of the store's statements, and what it is given for a case."""

    name: str
    statement: sa.TextClause
    values: Callable[[UUID], dict[str, object]]


def _case(case: UUID) -> dict[str, object]:
    return {"case": case, "seq": 1}


def _event(case: UUID) -> dict[str, object]:
    since = "2020-01-01T00:00:00Z"
    named = {"type": "case.read", "entity_id": case.hex, "actor": "staff:sample"}
    return {"case": case, "since": since, **named}


QUERIES = (
    Query("hold a case for a step", cases._HOLD, _case),
    Query("a case by its id", cases._GET, _case),
    Query("the questions of a case", inquiries._CURRENT, _case),
    Query("the first page of open gates", gates._LIST_OPEN, lambda _: {"limit": 25, "offset": 0}),
    Query("was this read a moment ago", audit._RECENT, _event),
)


def main() -> int:
    """Print each query's ratio and the noise beside it; 0 if every ratio is within it."""
    with temporary_cluster() as cluster, TemporaryDirectory() as keys:
        template = make_template(cluster)
        with open_house(cluster, template, "bench", Path(keys) / "key") as house:
            started = time.perf_counter()
            _load(cluster)
            print(f"{ROWS:,} rows of {PRACTICES} practices in {_seconds(started)}")
            ends = started + LIMIT_S
            held = [_measured(house, ends, prepared=prepared) for prepared in (False, True)]
    return 0 if all(held) else 1


def _load(cluster: EmbeddedPostgres) -> None:
    """A million rows, by a role that no policy binds, and statistics about them."""
    with connect(_as_superuser(cluster)) as root:
        for table in _CHILDREN:  # Each row's case is there; to look for it takes half of the time.
            root.execute(f"alter table {table} disable trigger all".encode())
        for statement in _LOAD:
            root.execute(statement.encode())
        for table in _CHILDREN:
            root.execute(f"alter table {table} enable trigger all".encode())
        root.execute("vacuum analyze")
        root.execute(f"create role {UNBOUND} login bypassrls password '{APP_PASSWORD}'".encode())
        root.execute(f"grant cleargate_app to {UNBOUND}".encode())


def _as_superuser(cluster: EmbeddedPostgres) -> str:
    password = (cluster.home / "passwords" / SUPERUSER).read_text()
    url = sa.make_url(cluster.url("bench")).set(username=SUPERUSER, password=password)
    return url.render_as_string(hide_password=False)


def _measured(house: House, ends: float, *, prepared: bool) -> bool:
    """Rounds over all queries; whether each is within the noise."""
    times: dict[tuple[str, str], list[float]] = {}
    unbound = sa.make_url(house.app_url).set(username=UNBOUND)
    urls = {
        "bound": house.app_url,
        "unbound": unbound.render_as_string(hide_password=False),
        "again": house.app_url,
    }
    with ExitStack() as stack:
        lines = {
            who: stack.enter_context(_line(url, prepared=prepared)) for who, url in urls.items()
        }
        for number in range(ROUNDS + 1):
            if number > ROUNDS_MIN and time.perf_counter() > ends:
                break
            order = list(lines) if number % 2 else list(reversed(lines))
            for query in QUERIES:
                for who in order:
                    taken_us = _turn(lines[who], query, number)
                    if number:  # The first round warms up.
                        times.setdefault((query.name, who), []).append(taken_us)
    print(f"prepared statements {'on' if prepared else 'off'}:")
    return all([_printed(query.name, times) for query in QUERIES])


@contextmanager
def _line(url: str, *, prepared: bool) -> Iterator[sa.Connection]:
    engine = sa.create_engine(
        url, connect_args={"prepare_threshold": PREPARE_AFTER if prepared else None}
    )
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


_BACKEND = sa.text("select pg_backend_pid()")
_ENTER = sa.text("select set_config('app.practice_id', :practice, true)")


def _turn(line: sa.Connection, query: Query, number: int) -> float:
    """Microseconds of the server's CPU for one call, over one transaction of a practice."""
    practice = number % PRACTICES
    owner = _id("p", practice)
    wanted = [_id("c", practice + PRACTICES * each) for each in range(CALLS)]
    values = [{"practice": owner, **query.values(case)} for case in wanted]
    with line.begin():
        line.execute(_ENTER, {"practice": str(owner)})
        backend = line.execute(_BACKEND).scalar_one()
        line.execute(query.statement, values[0]).all()
        started = _cpu_ns(backend)
        for each in values:
            line.execute(query.statement, each).all()
        return (_cpu_ns(backend) - started) / CALLS / 1000


def _cpu_ns(pid: int) -> int:
    """How long a process was on a CPU. Source: the kernel's sched-stats.txt."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])


def _id(kind: str, number: int) -> UUID:
    """The id that `_LOAD` gives to a row."""
    return UUID(hex=md5(f"{kind}{number}".encode(), usedforsecurity=False).hexdigest())


def _printed(name: str, times: dict[tuple[str, str], list[float]]) -> bool:
    bound, unbound, again = (times[name, who] for who in ("bound", "unbound", "again"))
    ratio = statistics.median(a / b for a, b in zip(bound, unbound, strict=True))
    noise = sorted(a / b for a, b in zip(again, bound, strict=True))
    low, high = noise[len(noise) // 10], noise[-1 - len(noise) // 10]
    held = ratio <= max(high, RATIO_MAX)
    print(
        f"  {name:30} {statistics.median(bound):6.0f} us against"
        f" {statistics.median(unbound):6.0f} us, {ratio:.2f} x;"
        f" noise {low:.2f} to {high:.2f}: {'held' if held else 'MISSED'}"
    )
    return held


def _seconds(started: float) -> str:
    return f"{time.perf_counter() - started:.0f} s"
