"""Between our nouns and TriZetto's DoInquiry; pure.

Sources, read on 2026-11-23: the service's WSDL and the SOAP answers of a public client
(github.com/GoodMeasuresLLC/trizetto-api, web_service.wsdl and spec/fixtures), the service's own
page of DoInquiry, and the names that five other public clients send. Confirmed by them: all names
below but DateOfService, whatever their capitals; days as CCYYMMDD; an empty Success for a gender
that is neither M nor F. Not confirmed by anything public: what the service answers to a wrong
password (so it is looked for as a fault, and in its messages), DateOfService and its form, and
whether a name may come twice (so one service is asked for).
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from cleargate.connectors.trizetto.settings import TrizettoSettings
from cleargate.connectors.wires.questions import require, service_types
from cleargate.connectors.wires.soap import Fault, envelope, fault_kind, find, local_name
from cleargate.nouns.eligibility import PRIMARY_SEARCH, Detail, Inquiry, Search, ServiceList
from cleargate.nouns.errors import ErrorKind
from cleargate.nouns.insurance import Subscriber
from cleargate.nouns.patient import Sex
from cleargate.x12.characters import plain_id, plain_name, plain_npi

if TYPE_CHECKING:
    from lxml.etree import _Element

NAMESPACE = "GatewayEDI.WebServices"
CONTENT_TYPE = f'application/soap+xml; charset=utf-8; action="{NAMESPACE}/DoInquiry"'

NEEDS: Search = PRIMARY_SEARCH
"""Without one of them the public answers are `Please enter ...`, for the insured's."""

_TAKEN = frozenset("*>^`~:")
"""What may be a delimiter of the 270 that TriZetto writes from the pairs."""
_GENDERS = {Sex.FEMALE: "F", Sex.MALE: "M"}
_PAYLOADS = ("ResponseAsRawString", "ResponseAsXml")
_MESSAGES = frozenset({"Message", "string"})
_NO_SIGN_IN = re.compile(
    r"\b(passwords?|credentials?|log[ -]?[io]n|authenticat\w+|user ?name|invalid user)\b", re.I
)

_HEADER = """\
<AuthSOAPHeader xmlns="{namespace}">
<User>{user}</User>
<Password>{password}</Password>
</AuthSOAPHeader>"""
_BODY = """
<DoInquiry xmlns="{namespace}">
<Inquiry>
<Parameters>{pairs}
</Parameters>
<ResponseDataType>{response}</ResponseDataType>
</Inquiry>
</DoInquiry>
"""
_PAIR = "\n<MyNameValue><Name>{name}</Name><Value>{value}</Value></MyNameValue>"


def request(inquiry: Inquiry, settings: TrizettoSettings, password: str) -> bytes:
    """The question in its envelope. Raises Refused for what no 270 could carry."""
    pairs = "".join(
        _PAIR.format(name=name, value=escape(value))
        for name, value in parameters(inquiry, settings)
    )
    header = _HEADER.format(
        namespace=NAMESPACE, user=escape(settings.username), password=escape(password)
    )
    body = _BODY.format(namespace=NAMESPACE, pairs=pairs, response=settings.response)
    return envelope(body, header=header)


def parameters(inquiry: Inquiry, settings: TrizettoSettings) -> Iterator[tuple[str, str]]:
    """What is asked, as TriZetto's names and their values; a name comes once.

    The insured is the policy's holder; a dependent stands beside. There is no name for a number of
    ours: payers hear TriZetto's. An unknown gender is not sent: TriZetto answers it with nothing.
    Nor is the group, whatever the search says: no name for it is known.
    """
    require(inquiry, NEEDS)
    patient, insurance = inquiry.patient, inquiry.insurance
    us = Subscriber(patient.name, patient.birth_date, patient.sex)
    yield "GediPayerID", plain_id(inquiry.payer_code, "payer id", 80, _TAKEN)
    yield "ProviderLastName", plain_name(inquiry.asker.name, "practice", 60, _TAKEN)
    yield "NPI", plain_npi(inquiry.asker.npi)
    yield "InsuranceNum", plain_id(insurance.member_id, "member id", 80, _TAKEN)
    yield from _person("Insured", insurance.subscriber or us, "subscriber", inquiry)
    if insurance.subscriber is not None:
        yield from _person("Dependent", us, "patient", inquiry)
    yield "ServiceTypeCode", _service(inquiry, settings)
    yield "DateOfService", _day(inquiry.service_date)


def _service(inquiry: Inquiry, settings: TrizettoSettings) -> str:
    """The one service asked about; a payer that answers about the plan only is asked about it."""
    first, *_ = service_types(inquiry)
    is_plan = inquiry.service_list is ServiceList.PLAN
    return first if is_plan else settings.service_type or first


def _person(
    role: str, person: Subscriber, what: str, inquiry: Inquiry
) -> Iterator[tuple[str, str]]:
    name = person.name
    if name.given.strip():
        yield f"{role}FirstName", plain_name(name.given, f"{what}'s given name", 35, _TAKEN)
    yield f"{role}LastName", plain_name(name.family, f"{what}'s family name", 60, _TAKEN)
    yield f"{role}Dob", _day(person.birth_date)
    if inquiry.tells(Detail.SEX) and person.sex in _GENDERS:
        yield f"{role}Gender", _GENDERS[person.sex]


def _day(day: date) -> str:
    return day.isoformat().replace("-", "")


def is_answer(root: "_Element") -> bool:
    """Whether this is DoInquiry's answer: whatever its SuccessCode, it is kept and read.

    ValidationFailure and its like are TriZetto's answer about the data, PayerTimeout the payer's
    silence; SystemError came for questions that lacked data, and may follow a question that was
    paid for.
    """
    return find(root, "SuccessCode") is not None


def refuses_sign_in(root: "_Element") -> bool:
    """Whether an answer without a payer's words says that TriZetto does not know who asks.

    Only its messages are searched: the question is repeated beside them, and a patient may be
    called anything.
    """
    info = find(root, "ExtraProcessingInfo")
    if info is None or any(_holds_something(find(root, name)) for name in _PAYLOADS):
        return False
    messages = (each.text or "" for each in info.iter() if local_name(each) in _MESSAGES)
    return any(_NO_SIGN_IN.search(message) for message in messages)


def _holds_something(element: "_Element | None") -> bool:
    return element is not None and any(text.strip() for text in element.itertext())


def kind_of_fault(fault: Fault, words: str) -> ErrorKind | None:
    """What a fault means; None when only the HTTP status can say.

    The service is an ASMX: it throws, and the fault's code says no more than whose fault it is.
    """
    return ErrorKind.AUTH if _NO_SIGN_IN.search(words) else fault_kind(fault)
