"""No connector tells more of anybody than the question's search names.

Proved without looking for values: whoever differs in withheld details only is asked about in the
same bytes. Of all searches there are, sound or not.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date
from itertools import chain, combinations

import httpx2
import pytest

from cleargate.nouns.eligibility import Detail, Inquiry, Search, ServiceList
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.insurance import Insurance, Relationship, Subscriber
from cleargate.nouns.patient import Name, Sex
from cleargate.ports import Clearinghouse
from tests.unit.connectors import (
    test_availity,
    test_core_mime,
    test_core_soap,
    test_optum,
    test_pverify,
    test_stedi_json,
    test_trizetto,
    test_waystar,
)
from tests.unit.connectors.parts import ref
from tests.unit.connectors.test_stedi_json import INQUIRY

MAKERS = {
    "availity": test_availity.make,
    "core_mime": test_core_mime.make,
    "core_soap": test_core_soap.make,
    "optum": test_optum.make,
    "pverify": test_pverify.make,
    "stedi_json": test_stedi_json.make,
    "trizetto": test_trizetto.make,
    "waystar": test_waystar.make,
}
EVERY: Search = frozenset(Detail)
SEARCHES = [
    frozenset(chosen)
    for chosen in chain.from_iterable(combinations(Detail, n) for n in range(len(Detail) + 1))
]
NO_PLACE = {"pverify": {Detail.GROUP}, "trizetto": {Detail.GROUP}}
"""Details that a vendor has no name for: told by nobody, whatever the search."""


class Wire:
    """A vendor that grants tokens, fails at everything else, and keeps what came, all of it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if "token" in request.url.path.lower() or "/auth/" in request.url.path:
            return httpx2.Response(200, json={"access_token": "a-token", "expires_in": 3600})
        head = f"{request.method} {request.url} {sorted(request.headers.items())}"
        self.heard.append(head.encode() + request.content)
        return httpx2.Response(500)


def about(search: Search, others: Search, *, dependent: bool) -> Inquiry:
    """A question; the details in `others` are another patient's, and another policy holder's."""

    def value(detail: Detail, ours: object, theirs: object) -> object:
        return theirs if detail in others else ours

    def person(role: str) -> Subscriber:
        family = value(Detail.FAMILY_NAME, f"Test{role}", f"Unlike{role}")
        given = value(Detail.GIVEN_NAME, f"Amy{role}", f"Zoe{role}")
        born = value(Detail.BIRTH_DATE, date(1987, 2, 20), date(1961, 7, 8))
        return Subscriber(Name(family, given), born, value(Detail.SEX, Sex.FEMALE, Sex.MALE))

    us = person("patient")
    patient = replace(INQUIRY.patient, name=us.name, birth_date=us.birth_date, sex=us.sex)
    insurance = Insurance(
        "aetna",
        "Aetna",
        value(Detail.MEMBER_ID, "W123456789", "K987654321"),
        value(Detail.GROUP, "GROUP1", "OTHER2"),
        *([Relationship.CHILD, person("holder")] if dependent else []),
    )
    return replace(INQUIRY, patient=patient, insurance=insurance, search=search)


@pytest.fixture(params=MAKERS)
def vendor(request: pytest.FixtureRequest) -> Iterator[tuple[str, Clearinghouse, Wire]]:
    wire = Wire()
    made = MAKERS[request.param](wire)
    yield request.param, made, wire
    made.close()


def sent(made: Clearinghouse, wire: Wire, inquiry: Inquiry) -> bytes:
    wire.heard.clear()
    with suppress(PortError):
        made.check_eligibility(inquiry, ref("ask"))
    (heard,) = wire.heard
    return heard


@pytest.mark.parametrize("dependent", [False, True], ids=["holder", "dependent"])
def test_a_withheld_detail_is_nowhere_in_the_bytes(vendor, dependent):
    name, made, wire = vendor
    for search in filter(made.needs.__le__, SEARCHES):
        ours = sent(made, wire, about(search, frozenset(), dependent=dependent))
        withheld = about(search, EVERY - search, dependent=dependent)
        assert sent(made, wire, withheld) == ours, (name, search)
        for told in search - NO_PLACE.get(name, set()):
            changed = about(search, frozenset({told}), dependent=dependent)
            assert sent(made, wire, changed) != ours, (name, told)


def test_a_search_without_what_the_vendor_needs_is_refused_by_name_before_it_leaves(vendor):
    _, made, wire = vendor
    for search in SEARCHES:
        if missing := made.needs - search:
            with pytest.raises(PortError) as caught:
                made.check_eligibility(about(search, frozenset(), dependent=False), ref("ask"))
            error = caught.value
            assert (error.kind, error.vendor_code) == (ErrorKind.REJECTED, "question_refused")
            (field,) = error.fields
            assert field.replace(" ", "_") in missing
    assert wire.heard == []


def test_a_payer_that_answers_for_the_plan_alone_is_asked_for_the_plan_alone(vendor):
    name, made, wire = vendor
    inquiry = about(EVERY, frozenset(), dependent=False)
    plan = replace(inquiry, service_types=("PT", "30"), service_list=ServiceList.PLAN)
    alone = replace(inquiry, service_types=("30",), service_list=ServiceList.PLAN)
    assert sent(made, wire, plan) == sent(made, wire, alone)
    takes_services = name != "pverify"  # It takes a kind of practice instead.
    therapy = replace(inquiry, service_types=("PT",))
    assert (sent(made, wire, plan) != sent(made, wire, therapy)) is takes_services
