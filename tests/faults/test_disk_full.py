"""A disk that is really full: a small file system of its own, under a Postgres of its own.

Whoever may not mount one (anybody but root) cannot run these tests.
"""

import errno
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp

import httpx2
import psycopg
import pytest

from cleargate.nouns.case import CaseState
from cleargate.nouns.errors import Refused
from cleargate.operations.rehearsal.patient import Inputs
from cleargate.store.embedded import EmbeddedPostgres
from cleargate.store.keyfile import LocalKeyFile
from cleargate.web.listener import Listener
from cleargate.web.server import run
from cleargate.web.site import Pages
from tests.house import House, TurnedClock, make_template, open_house, visit_request
from tests.postgres import connect, until
from tests.security.canary import hits, needles
from tests.unit.scheduling.office import Stage, earliest
from tests.web.installation import SLUG, Served, Site, filled_form, read_profiles

SIZE_MB = 256
FORMS_MAX = 400
WAL_MB_MAX = 200

PLANTED = {
    "given": "Wilhelmina-Zaubertrank",
    "family": "Überstraße-Ñandúpelz",
    "email": "zaubertrank.canary@example.invalid",
    "primary_member_id": "CANARYMEMBER77",
    "reason": "canary reason of the visit",
}


class Disk:
    """A file system of our own that can be filled to its last byte, and emptied."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._ballast = place / "ballast"

    def fill(self) -> None:
        with self._ballast.open("ab", buffering=0) as file:
            for block in (1 << 20, 1 << 12, 1):
                _write_until_full(file.fileno(), block)

    def free(self) -> None:
        self._ballast.unlink()


def _write_until_full(handle: int, block: int) -> None:
    for _ in range(SIZE_MB << 20):
        try:
            os.write(handle, bytes(block))
        except OSError as error:
            assert error.errno == errno.ENOSPC
            return


@pytest.fixture(scope="module")
def disk() -> Iterator[Disk]:
    place = Path(mkdtemp(prefix="cleargate-disk-"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m,mode=755", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
        place.rmdir()
        pytest.skip("this user may not mount a file system, so none can be filled")
    try:
        yield Disk(place)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        place.rmdir()


@pytest.fixture(scope="module")
def full_cluster(disk: Disk) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(disk.place / "data") as cluster:
        yield cluster


@pytest.fixture(scope="module")
def house(
    full_cluster: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[House]:
    """A house on that disk; its key file is elsewhere."""
    key_file = tmp_path_factory.mktemp("keys") / "key"
    with open_house(full_cluster, make_template(full_cluster), "full", key_file) as opened:
        yield opened


@pytest.fixture
def site(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    clock = TurnedClock()
    profiles = read_profiles(tmp_path_factory.mktemp("practices"))
    with Served(Pages(house.database, clock, profiles, secure=False)) as served:
        yield Site(served.url, house, clock, profiles)


def _post_until_refused(client: httpx2.Client) -> tuple[int, httpx2.Response]:
    """How many requests were kept, and the page that the first one got that was not."""
    for kept in range(FORMS_MAX):
        answer = client.post(f"/{SLUG}/", data=filled_form(**PLANTED))
        if answer.status_code != 303:
            return kept, answer
    raise AssertionError("the disk was never full")


def _rollbacks(house: House) -> int:
    """How many transactions of this database were refused or given up."""
    with house.owner() as owner:
        row = owner.execute(
            "select xact_rollback from pg_stat_database where datname = current_database()"
        ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.long
def test_a_full_disk_refuses_plainly_keeps_what_it_took_and_goes_on_by_itself(
    disk: Disk,
    full_cluster: EmbeddedPostgres,
    house: House,
    site: Site,
    capfd: pytest.CaptureFixture[str],
) -> None:
    stage = Stage(house)
    case = stage.submit(visit_request(earliest=earliest(10)))
    before = site.count_cases()
    log = full_cluster.home / "postgres.log"
    with site.visitor() as client, ThreadPoolExecutor(1) as worker:
        disk.fill()
        kept, page = _post_until_refused(client)
        assert page.status_code == 503
        assert site.count_cases() == before + kept, "half of a request was kept"
        played = worker.submit(stage.play, case)
        begun = _rollbacks(house)
        until(lambda: played.done() or _rollbacks(house) > begun, "the worker met no full disk")
        disk.free()
        assert played.result(timeout=60).state is CaseState.DONE
        again = client.post(f"/{SLUG}/", data=Inputs(page.text).values)
        assert again.status_code == 303
    assert site.count_cases() == before + kept + 1
    assert len(stage.mail.sent) == 1
    assert len(stage.ehr.statuses) == 1
    said = log.read_bytes() + "".join(capfd.readouterr()).encode()
    assert b"unavailable" in said
    assert not hits(needles(PLANTED.values()), said)


def test_a_full_log_of_the_database_stops_it_and_loses_nothing_that_was_confirmed(
    disk: Disk, full_cluster: EmbeddedPostgres, house: House, site: Site
) -> None:
    """Without room for its log Postgres ends in a panic; with room it is started, and goes on."""
    before = site.count_cases()
    with site.visitor() as client:
        assert client.post(f"/{SLUG}/", data=filled_form(**PLANTED)).status_code == 303
        disk.fill()
        with pytest.raises(psycopg.OperationalError), connect(house.owner_url) as owner:
            for _ in range(WAL_MB_MAX):
                owner.execute(
                    "select pg_logical_emit_message(false, 'sample', repeat('x', 1000000))"
                )
        page = client.post(f"/{SLUG}/", data=filled_form(**PLANTED))
        assert page.status_code == 503
        disk.free()
        full_cluster.start()
        assert site.count_cases() == before + 1
        again = client.post(f"/{SLUG}/", data=Inputs(page.text).values)
        assert again.status_code == 303
    assert site.count_cases() == before + 2
    log = (full_cluster.home / "postgres.log").read_bytes()
    assert b"PANIC" in log
    assert not hits(needles(PLANTED.values()), log)


def test_a_server_that_cannot_write_its_ready_file_says_so(disk: Disk, site: Site) -> None:
    pages = Pages(site.house.database, site.clock, site.profiles, secure=False)
    disk.fill()
    try:
        with pytest.raises(Refused, match=r"ready file .* \(No space left on device\)"):
            run(pages, Listener("127.0.0.1", 0), disk.place / "ready.json")
        assert not list(disk.place.glob("ready*"))
    finally:
        disk.free()


def test_a_key_file_is_whole_or_not_there(disk: Disk) -> None:
    disk.fill()
    try:
        with pytest.raises(OSError, match="No space"):
            LocalKeyFile.create(disk.place / "key")
        assert not list(disk.place.glob("*key*"))
    finally:
        disk.free()
    LocalKeyFile.create(disk.place / "key")
    assert LocalKeyFile(disk.place / "key").wrap(bytes(32), "sample")
