"""What the trail costs a write, and how soon an event is sealed.

Sixteen clients of pgbench, on a Postgres with fsync. Each transaction names its practice and adds a
row of work; `plain` adds one more row of the same text to a table without hash, trigger or policy,
`audited` adds the event to the trail as the app role does. Each client works at a case of its own,
as a worker's threads do. The sealer runs beside a part of each round. Interleaved rounds; what
counts is the median of the ratios of neighbours. `alone` is the row of work and nothing else, for
comparison.
"""

import importlib.util
import re
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from bench._office import fresh_house
from cleargate.store.embedded_home import INSTALLATION, WHEEL
from cleargate.store.roles import SEALER_ROLE
from cleargate.store.trail import TrailDatabase
from cleargate.trail.sealer import PAUSE_S, seal
from tests.house import House
from tests.postgres import connect

CLIENTS = 16
ROUNDS = 10
SECONDS = 2
TARGET = 0.8
LAG_TARGET_S = 2.0

_WORK = """
begin;
select set_config('app.practice_id', '{practice}', true);
insert into work_rows values ('{practice}', gen_random_uuid(), repeat('x', 400));
{event}
commit;
"""

_CASE = "6f0c4a52-5b57-4d0e-9a53-000000000%"
_BODY = (
    '{"type": "case.view", "action": "R", "outcome": "ok", "entity_type": "case",'
    ' "actor": "staff:6f0c4a52-5b57-4d0e-9a53-7d6f3a1f4c11", "client": "web",'
    f' "entity_id": "{_CASE}", "software": "0.1.0", "case": "{_CASE}", "address": "127.0.0.1"}}'
)
_INSERT = (
    "insert into {table} (practice_id, id, body) values ('{practice}', gen_random_uuid(),"
    " replace('{body}', '%', cast(100 + :client_id as text)));"
)

_TABLES = """
create table work_rows (practice_id uuid, id uuid, work text, primary key (practice_id, id));
create table plain_events (practice_id uuid, id uuid, recorded timestamptz default now(), body text,
    primary key (practice_id, id));
grant insert, select on work_rows, plain_events to cleargate_app;
"""

# How long each event that was sealed in a round waited for it.
_LAG = """
select percentile_cont(0.99) within group (order by extract(epoch from c.sealed_at - e.recorded)),
    max(extract(epoch from c.sealed_at - e.recorded)), count(*)
from audit_events e join audit_leaves l on l.event_id = e.id
join lateral (select sealed_at from audit_checkpoints where size > l.position order by size limit 1)
    c on true
"""


def main() -> int:
    """Print transactions a second, their ratios, and the lag; 0 if both targets are held."""
    rates: dict[str, list[float]] = {"alone": [], "plain": [], "audited": [], "sealed beside": []}
    with fresh_house() as house, TemporaryDirectory() as folder:
        with connect(house.owner_url) as owner:
            owner.execute(_TABLES.encode())
        scripts = _scripts(house, Path(folder))
        for _ in range(ROUNDS):
            for name in ("alone", "plain", "audited"):
                rates[name].append(_rate(house, scripts[name]))
            with _sealer(house):
                rates["sealed beside"].append(_rate(house, scripts["audited"]))
        left = house.seal()
        lag, longest, count = _lag(house)
    medians = {name: statistics.median(each) for name, each in rates.items()}
    for name, median in medians.items():
        print(f"{name:14} {median:7.0f} transactions a second")
    pairs = zip(rates["audited"], rates["plain"], strict=True)
    ratio = statistics.median(audited / plain for audited, plain in pairs)
    beside = medians["sealed beside"] / medians["plain"]
    print(f"audited / plain {ratio:.2f}, with the sealer beside {beside:.2f}, target {TARGET}")
    print(f"audited / alone {medians['audited'] / medians['alone']:.2f}")
    print(
        f"lag p99 {lag:.2f} s, longest {longest:.2f} s, of {count} events ({left} left at the end)"
    )
    held = ratio >= TARGET and lag <= LAG_TARGET_S
    print("held" if held else "MISSED")
    return 0 if held else 1


def _scripts(house: House, folder: Path) -> dict[str, Path]:
    values = {"practice": house.practice, "body": _BODY}
    events = {
        "alone": "",
        "plain": _INSERT.format(table="plain_events", **values),
        "audited": _INSERT.format(table="audit_events", **values),
    }
    paths = {}
    for name, event in events.items():
        paths[name] = folder / f"{name}.sql"
        paths[name].write_text(_WORK.format(practice=house.practice, event=event))
    return paths


def _rate(house: House, script: Path) -> float:
    """Transactions a second of one round."""
    url = sa.make_url(house.app_url)
    wheel = importlib.util.find_spec(WHEEL)
    if wheel is None or wheel.origin is None:
        raise RuntimeError(f"{WHEEL} is not installed")
    tool = Path(wheel.origin).parent / INSTALLATION / "bin" / "pgbench"
    command = [str(tool), "-n", "-c", str(CLIENTS), "-j", "2", "-T", str(SECONDS), "-M", "prepared"]
    command += ["-f", str(script), "-h", str(url.query["host"]), "-U", str(url.username)]
    done = subprocess.run(
        [*command, str(url.database)],
        env={"PGPASSWORD": str(url.password), "LD_LIBRARY_PATH": str(tool.parent.parent / "lib")},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if found is None:
        raise RuntimeError("pgbench said no rate")
    return float(found[1])


@contextmanager
def _sealer(house: House) -> Iterator[None]:
    """The sealer beside the writers, as `cleargate audit seal` has it; first it catches up."""
    database, stop = TrailDatabase(house.as_role(SEALER_ROLE), "sealer"), threading.Event()
    key = house.signing_key

    def run() -> None:
        while not stop.wait(PAUSE_S):
            seal(database, house.practice, key)

    with connect(house.owner_url) as owner:
        owner.execute("alter table audit_events no force row level security")
        owner.execute(
            "delete from audit_events e where not exists"
            " (select 1 from audit_leaves l where l.event_id = e.id)"
        )
        owner.execute("alter table audit_events force row level security")
    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
        time.sleep(2 * PAUSE_S)
    finally:
        stop.set()
        thread.join()
        database.close()


def _lag(house: House) -> tuple[float, float, int]:
    with connect(house.app_url) as app:
        app.execute("select set_config('app.practice_id', %s, false)", (str(house.practice),))
        row = app.execute(_LAG.encode()).fetchone()
    if row is None or row[0] is None:
        raise RuntimeError("nothing was sealed")
    return float(row[0]), float(row[1]), int(row[2])
