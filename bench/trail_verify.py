"""How long it takes to verify a trail, against a bare SHA-256 over the same bytes.

200,000 events of everyday length, sealed. `verify` is what `cleargate audit verify` does: it reads
them out of Postgres, makes every hash anew, builds the tree, and holds it against the signed roots.
`bare` reads the same texts the same way, and makes one hash of each. The same without reading:
`checking` is the verification of texts that are in memory, `hashing` one hash of each of them.
Interleaved rounds, medians.
"""

import hashlib
import statistics
import time

from bench._office import fresh_house
from cleargate.store import trail
from cleargate.store.trail import BLOCK
from cleargate.trail.verify import Given, Roots, take_block, verify
from tests.house import House
from tests.postgres import connect

EVENTS = 200_000
ROUNDS = 5
TARGET = 3.0

_FILL = """
insert into audit_events (practice_id, id, body)
select %(practice)s, gen_random_uuid(), jsonb_build_object('type', 'case.view', 'action', 'R',
    'outcome', 'ok', 'actor', 'staff:' || gen_random_uuid(), 'entity_type', 'case', 'entity_id',
    gen_random_uuid(), 'case', gen_random_uuid(), 'client', 'web', 'software', '0.1.0')::text
from generate_series(1, %(count)s)
"""


def main() -> int:
    """Print the times and ratios; 0 if the target is held."""
    taken: dict[str, list[float]] = {
        "verify": [],
        "bare": [],
        "checking": [],
        "hashing": [],
    }
    with fresh_house() as house:
        _fill(house)
        sealing = time.perf_counter()
        house.seal()
        sealing = time.perf_counter() - sealing
        for _ in range(ROUNDS):
            taken["verify"].append(_verify(house))
            for name, seconds in _bare(house).items():
                taken[name].append(seconds)
    medians = {name: statistics.median(each) for name, each in taken.items()}
    print(f"sealing    {EVENTS / sealing:9.0f} events a second")
    for name, median in medians.items():
        print(f"{name:10} {EVENTS / median:9.0f} events a second")
    ratio = medians["verify"] / medians["bare"]
    own = medians["checking"] / medians["hashing"]
    held = ratio <= TARGET and own <= TARGET
    print(f"verify / bare {ratio:.2f} x, checking / hashing {own:.2f} x, each at most {TARGET} x")
    print("held" if held else "MISSED")
    return 0 if held else 1


def _fill(house: House) -> None:
    with connect(house.app_url) as app:
        app.execute("select set_config('app.practice_id', %s, false)", (str(house.practice),))
        app.execute(_FILL.encode(), {"practice": house.practice, "count": EVENTS})


def _verify(house: House) -> float:
    given = Given([house.signing_key.public_key])
    with house.auditing() as database, database.session(house.practice) as session:
        started = time.perf_counter()
        report = verify(session, given)
        taken = time.perf_counter() - started
    if not report.whole or report.events != EVENTS:
        raise RuntimeError("the trail is not whole")
    return taken


def _bare(house: House) -> dict[str, float]:
    """Seconds of reading and hashing, of the hashing alone, and of the checks alone."""
    hashing = checking = 0.0
    roots = Roots({EVENTS})
    with house.auditing() as database, database.session(house.practice) as session:
        started = time.perf_counter()
        for low in range(0, EVENTS, BLOCK):
            block = trail.block(session, low, low + BLOCK)
            before = time.perf_counter()
            for text in block.bodies.split(b"\n"):
                hashlib.sha256(text).digest()
            between = time.perf_counter()
            if not take_block(block.bodies.split(b"\n"), block.leaves, roots):
                raise RuntimeError("the trail is not whole")
            hashing += between - before
            checking += time.perf_counter() - between
        whole = time.perf_counter() - started
    return {"bare": whole - checking, "checking": checking, "hashing": hashing}
