"""One `benefit` element of TriZetto's XML as a benefit row."""

import re
from collections.abc import Iterator, Mapping

from cleargate.coverage.origins import codes, trizetto_words
from cleargate.coverage.origins.trizetto_reader import Words
from cleargate.coverage.origins.trizetto_refusals import refusals_of
from cleargate.coverage.origins.xml_tree import Node, spaced
from cleargate.coverage.rows import (
    NO_DETAILS,
    BenefitRow,
    Details,
    Entity,
    Frequency,
    Info,
    Message,
    Role,
)
from cleargate.nouns.coverage import AuthorisationNeed, Network, Person

NAMES: Mapping[str, str] = {
    "info": "info",
    "insurance_type": "insurancetypecode",
    "amount": "benefitamount",
    "percent": "percent",
    "quantity": "quantity",
    "authorisation": "yes_no_response_code",
    "network": "plannetworkindicator",
}
"""What this format calls the parts of a row."""

_KNOWN = frozenset(
    {
        *NAMES.values(), "benefitentity", "benefitquantity", "benefitquantityqualifier",
        "coveragelevel", "date", "date-of-service", "datequalifier", "grouppolicynum",
        "insurancetype", "message", "period_count", "period_count_qualifier",
        "plancoveragedescription", "plansponsorname", "quantityqualifier", "rejection",
        "servicetype", "servicetypecode", "subsupplementalid", "time_period_qualifier",
    }
)  # fmt: skip
"""What is known to stand in `benefit`; see NARROWING for what is only expected."""
_ONCE = frozenset({*NAMES.values(), "coveragelevel", "quantityqualifier", "time_period_qualifier"})
_CODE = re.compile(r"[^A-Za-z0-9]+")
_DELIVERY = (
    "benefitquantityqualifier",
    "benefitquantity",
    "period_count_qualifier",
    "period_count",
)


def row_of(benefit: Node, number: int, wanted: frozenset[str], words: Words) -> BenefitRow | None:
    """One row; None for plain amounts and limits of services that are not wanted.

    A word that is on no list says nothing: an unknown `info` is Info.OTHER, an unknown network is
    unstated. An unknown period stays as it is written, for people to read.
    """
    words.expect(benefit, _KNOWN, number, _ONCE)
    kind = words.code(benefit.first("info"), trizetto_words.INFO, codes.INFO, number)
    if not kind:
        words.finding("info_missing", benefit, number, "does not say what it states")
    services = _services(benefit)
    details = _details(benefit, number, kind, words)
    plain = kind in codes.PLAIN and details is NO_DETAILS
    if plain and services and wanted.isdisjoint(services):
        return None
    level = words.code(benefit.first("coveragelevel"), trizetto_words.LEVELS, (), number)
    period = words.code(
        benefit.first("time_period_qualifier"), trizetto_words.PERIODS, codes.PERIODS, number
    )
    quantity_kind = words.code(
        benefit.first("quantityqualifier"), trizetto_words.QUANTITIES, codes.QUANTITIES, number
    )
    need = words.code(benefit.first("yes_no_response_code"), trizetto_words.YES_NO, (), number)
    network = words.code(benefit.first("plannetworkindicator"), trizetto_words.NETWORKS, (), number)
    quantity = benefit.first("quantity").text
    return BenefitRow(
        info=codes.INFO.get(kind, Info.OTHER),
        segment=number,
        services=services,
        person=codes.PERSONS.get(level, Person.UNSTATED),
        network=codes.NETWORKS.get(network, Network.UNSTATED),
        insurance_type=_insurance(benefit),
        plan=spaced(benefit.first("plancoveragedescription").text),
        period=codes.PERIODS.get(period, period),
        amount=benefit.first("benefitamount").text,
        percent=benefit.first("percent").text,
        quantity_kind=codes.QUANTITIES.get(quantity_kind, quantity_kind),
        quantity=quantity,
        authorisation=codes.AUTHORISATIONS.get(need, AuthorisationNeed.UNSTATED),
        procedure=_procedure(benefit),
        misplaced=kind == "F" and _is_misplaced(period, quantity_kind, quantity),
        details=details,
        names=NAMES,
    )


def _services(benefit: Node) -> tuple[str, ...]:
    """The codes of `servicetypecode`, raw as the payer listed them (`AD^AE^AF`).

    Without them the words of `servicetype`: left empty, the row would speak for the whole plan.
    """
    found = (code for node in benefit.all("servicetypecode") for code in _CODE.split(node.text))
    if listed := tuple(dict.fromkeys(filter(None, found))):
        return listed
    named = (node.text for node in benefit.all("servicetype") if node.text)
    return tuple(trizetto_words.SERVICES.get(trizetto_words.key(name), name) for name in named)


def _insurance(benefit: Node) -> str:
    words = benefit.first("insurancetype").text
    known = trizetto_words.INSURANCES.get(trizetto_words.key(words), "")
    return benefit.first("insurancetypecode").text or known


def _procedure(benefit: Node) -> str:
    """A procedure, under whatever name: no sample has one, and it narrows what a row says."""
    return next((spaced(n.text) for n in benefit.children if "procedure" in n.name), "")


def _places(benefit: Node) -> tuple[str, ...]:
    """Places of service, under whatever name: no sample has one."""
    return tuple(spaced(node.text) for node in benefit.children if "place" in node.name)


def _is_misplaced(period: str, quantity_kind: str, quantity: str) -> bool:
    """Whether the quantity is a word for its kind, or the period no period; see codes.py."""
    word = trizetto_words.QUANTITIES.get(trizetto_words.key(quantity), quantity)
    return codes.is_misplaced(period, quantity_kind, word)


def _details(benefit: Node, number: int, kind: str, words: Words) -> Details:
    """What hangs on a row."""
    texts = filter(None, (spaced(node.text) for node in benefit.all("message")))
    messages = tuple([Message(text, number, "message") for text in texts])
    spans = [*words.spans(benefit, number)]
    spans.extend(span for node in benefit.all("date") for span in words.spans(node, number))
    details = Details(
        messages,
        tuple(spans),
        tuple(_frequencies(benefit, number, words)),
        tuple(refusals_of(benefit.all("rejection"), number, words)),
        _places(benefit),
        tuple(_entity(node, number, kind) for node in benefit.all("benefitentity")),
        " / ".join([message.text for message in messages]).upper(),
    )
    return NO_DETAILS if details == NO_DETAILS else details


def _frequencies(benefit: Node, number: int, words: Words) -> Iterator[Frequency]:
    """The HSD elements: a name that comes again begins another frequency."""
    parts: dict[str, Node] = {}
    for node in benefit.children:
        if node.name not in _DELIVERY:
            continue
        if node.name in parts:
            yield _frequency(parts, number, words)
            parts = {}
        parts[node.name] = node
    if parts:
        yield _frequency(parts, number, words)


def _frequency(parts: dict[str, Node], number: int, words: Words) -> Frequency:
    nothing = Node("", 0)
    unit, quantity, period, periods = (parts.get(name, nothing) for name in _DELIVERY)
    unit_code = words.code(unit, trizetto_words.QUANTITIES, codes.QUANTITIES, number)
    period_code = words.code(period, trizetto_words.PERIODS, codes.PERIODS, number)
    return Frequency(
        unit=codes.QUANTITIES.get(unit_code, unit_code),
        quantity=quantity.text,
        per="",
        period=codes.PERIODS.get(period_code, period_code),
        periods=periods.text,
        segment=number,
        element="benefitquantity",
    )


def _entity(node: Node, number: int, kind: str) -> Entity:
    """Who is named beside a row. `first` is a person's given name, `name` the family's.

    A role that TriZetto has no word for is missing; beside another payer's row it is that payer.
    """
    word = node.first("entitycode").text
    code = trizetto_words.ROLES.get(trizetto_words.key(word), word)
    role = codes.ROLES.get(code, Role.OTHER)
    if not word and kind == "R":
        role = Role.PAYER
    name = spaced(f"{node.first('first').text} {node.first('name').text}")
    return Entity(role, name, number, "benefitentity")
