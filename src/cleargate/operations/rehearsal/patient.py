"""A synthetic patient in front of the public form: reads the page, posts it, follows the mail."""

import re
import time
from collections.abc import Iterator
from datetime import date
from html.parser import HTMLParser

import httpx2

from cleargate.nouns.errors import Refused
from cleargate.nouns.insurance import Insurance
from cleargate.nouns.request import VisitRequest
from cleargate.sandbox.population import SyntheticPerson

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
    fields = {**form_fields(person.request), "nonce": Inputs(page.text).values["nonce"]}
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


def form_fields(request: VisitRequest) -> dict[str, str]:
    """A request as somebody types it into the form."""
    patient, contact = request.patient, request.patient.contact
    fields = {
        "given": patient.name.given,
        "family": patient.name.family,
        "birth_date": f"{patient.birth_date:%m/%d/%Y}",
        "sex": patient.sex.value,
        "email": contact.email,
        "phone": contact.phone,
        "mail_consent": "yes" if request.mail_consent else "",
        "visit_type": request.visit_type,
        "reason": request.reason,
        "earliest": request.earliest.isoformat(),
        "payment": request.payment.value,
    }
    if contact.address is not None:
        address = contact.address
        fields |= {
            "address_line": address.line,
            "city": address.city,
            "state": address.state,
            "zip": address.zip,
        }
    for number, wish in enumerate(request.wishes, start=1):
        weekday = "" if wish.weekday is None else str(wish.weekday)
        fields |= {f"wish_{number}_weekday": weekday, f"wish_{number}_part": wish.part.value}
    for prefix, insurance in zip(("primary_", "secondary_"), request.insurances, strict=False):
        fields |= {prefix + name: value for name, value in _insurance(insurance).items()}
    return fields | _others(request)


def _insurance(insurance: Insurance) -> dict[str, str]:
    fields = {
        "payer": insurance.payer_name,
        "payer_id": insurance.payer_id,
        "member_id": insurance.member_id,
        "group": insurance.group,
        "relationship": insurance.relationship.value,
    }
    holder = insurance.subscriber
    if holder is not None:
        fields |= {
            "subscriber_given": holder.name.given,
            "subscriber_family": holder.name.family,
            "subscriber_birth_date": f"{holder.birth_date:%m/%d/%Y}",
            "subscriber_sex": holder.sex.value,
        }
    return fields


def _others(request: VisitRequest) -> dict[str, str]:
    fields: dict[str, str] = {}
    if request.accident is not None:
        fields |= {
            "claim_number": request.accident.claim_number,
            "adjuster": request.accident.adjuster,
            "adjuster_phone": request.accident.adjuster_phone,
            "accident_date": _day(request.accident.accident_date),
        }
    if request.guarantor is not None:
        guarantor = request.guarantor
        fields |= {
            "guarantor_given": guarantor.name.given,
            "guarantor_family": guarantor.name.family,
            "guarantor_birth_date": _day(guarantor.birth_date),
            "guarantor_relationship": guarantor.relationship,
            "guarantor_phone": guarantor.contact.phone,
            "guarantor_email": guarantor.contact.email,
        }
    if request.referral is not None:
        fields |= {
            "referral_date": _day(request.referral.issued),
            "referrer_npi": request.referral.referrer_npi,
        }
    return fields


def _day(day: date | None) -> str:
    return f"{day:%m/%d/%Y}" if day else ""
