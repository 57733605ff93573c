"""A synthetic patient in front of the public form: reads the page, posts it, follows the mail."""

import re
import time
from collections.abc import Iterator
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


def confirmation_links(client: httpx2.Client, mailbox: str, seen: set[str]) -> Iterator[str]:
    """Links in the sandbox's mailbox that nobody has followed yet."""
    time.sleep(MAIL_WAIT_S)
    for mail in client.get(f"{mailbox}.json").raise_for_status().json():
        for link in mail["links"]:
            if "/confirm/" in link and link not in seen:
                seen.add(link)
                yield link
