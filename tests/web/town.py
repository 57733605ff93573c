"""A whole demo without faults, and the people who live around it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx2

from cleargate.operations.demo import Demo, DemoOptions, running
from cleargate.operations.demo_home import PRACTICES, embedded
from cleargate.sandbox.population import Scenario, SyntheticPerson, admin_body, people
from cleargate.scheduling.request_fields import fields_of
from tests.postgres import until

SLUG = "riverside"


@dataclass
class Town:
    """The demo and the people who live around it."""

    demo: Demo
    client: httpx2.Client
    free: list[SyntheticPerson]
    mailbox: str = field(init=False)

    def __post_init__(self) -> None:
        self.mailbox = self.demo.sandbox["mailbox"]

    def somebody(self, scenario: Scenario) -> SyntheticPerson:
        """A patient of the first practice whom no test has sent yet."""
        found = next(each for each in self.free if each.scenario is scenario and each.practice == 0)
        self.free.remove(found)
        return found

    def ask_by_api(self, person: SyntheticPerson) -> str:
        """Send this person's request; gives the case."""
        token = self.demo.home.secret(f"api-token-{SLUG}")
        asked = {"nonce": uuid4().hex, "form": fields_of(person.request)}
        headers = {"Authorization": f"Bearer {token}"}
        answer = self.client.post("/api/requests", json=asked, headers=headers)
        return str(answer.raise_for_status().json()["case"])

    def mail_link(self, person: SyntheticPerson, page: str = "confirm") -> str:
        """The link to a page in a mail to this person, once it has come."""
        links: list[str] = []
        address = person.request.patient.contact.email

        def has_come() -> bool:
            mails = httpx2.get(f"{self.mailbox}.json", params={"to": address}).json()
            links.extend(link for mail in mails for link in mail["links"] if f"/{page}/" in link)
            return bool(links)

        until(has_come, "no mail with a link has come")
        return links[0]


@contextmanager
def running_town() -> Iterator[Town]:
    """The demo, as `dev.py demo --faults none` starts it, with eighty people known to its world."""
    # Not tmp_path: Postgres is another user when the tests run as root.
    data = Path(mkdtemp(prefix="cleargate-demo-"))
    try:
        with running(DemoOptions(data, faults="none")) as demo:
            today = datetime.now(ZoneInfo(PRACTICES[SLUG][3])).date()
            cast = people(7, 80, today)
            body = admin_body(cast, tuple(PRACTICES))
            sandbox = demo.sandbox["base_url"]
            httpx2.post(f"{sandbox}/_admin/people", json=body, timeout=60).raise_for_status()
            with httpx2.Client(base_url=demo.web_url, timeout=30) as client:
                yield Town(demo, client, list(cast))
    finally:
        rmtree(embedded(data).home, ignore_errors=True)
        rmtree(data, ignore_errors=True)
