"""A synthetic patient in front of the public form: reads the page, posts it, follows the mail."""

import re
import time
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser

import httpx2

from cleargate.nouns.errors import Refused
from cleargate.sandbox.population import SyntheticPerson
from cleargate.scheduling.request_fields import fields_of

MAIL_WAIT_S = 0.3


class Inputs(HTMLParser):
    """The named inputs of a page and their values; the first of a name counts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.actions: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember inputs and where forms go."""
        named = dict(attrs)
        if tag == "input" and named.get("name"):
            self.values.setdefault(str(named["name"]), named.get("value") or "")
        if tag == "form":
            self.actions.append(named.get("action") or "")


def post_request(client: httpx2.Client, slug: str, person: SyntheticPerson) -> str:
    """Fill in the form of a practice and send it; gives the receipt's token."""
    page = client.get(f"/{slug}/").raise_for_status()
    fields = {**fields_of(person.request), "nonce": Inputs(page.text).values["nonce"]}
    answer = client.post(f"/{slug}/", data=fields)
    if answer.status_code != 303:
        mistakes = re.findall(r'<a href="#(\w+)">', answer.text)
        raise Refused(f"the form refused person {person.number}: {', '.join(mistakes)}")
    return answer.headers["location"].rpartition("/")[2]


def confirm_contact(client: httpx2.Client, link: str) -> None:
    """Open the link of the mail, and press the button on its page."""
    client.get(link).raise_for_status()
    client.post(link).raise_for_status()


def check_details(client: httpx2.Client, link: str, person: SyntheticPerson) -> None:
    """Open the page of the mail with the birth date, and correct the member ID from the card.

    Where the birth date itself is in doubt, the page shows nothing and all of it is typed again.
    """
    client.get(link).raise_for_status()
    born = {"birth_date": f"{person.request.patient.birth_date:%m/%d/%Y}"}
    page = client.post(link, data=born).raise_for_status()
    typed = fields_of(person.request) | {"primary_member_id": person.policies[0].member_id}
    shown = Inputs(page.text).values
    filled = {name: typed.get(name, shown[name]) for name in shown}
    client.post(link, data=filled).raise_for_status()


def follow(
    client: httpx2.Client, people: Mapping[str, SyntheticPerson], letter: tuple[str, str]
) -> None:
    """Do what the link of a letter is for; `people` go by address."""
    to, link = letter
    if "/confirm/" in link:
        confirm_contact(client, link)
    elif "/check/" in link:
        check_details(client, link, people[to])


def letters(client: httpx2.Client, mailbox: str, seen: set[str]) -> Iterator[tuple[str, str]]:
    """Address and link of mails in the sandbox's mailbox that nobody has opened yet."""
    time.sleep(MAIL_WAIT_S)
    for mail in client.get(f"{mailbox}.json").raise_for_status().json():
        for link in mail["links"]:
            if link not in seen:
                seen.add(link)
                yield mail["to"][0], link
