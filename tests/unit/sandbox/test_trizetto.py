"""The door for DoInquiry: name/value pairs, TriZetto's own codes, the same payers and faults."""

import time
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.sax.saxutils import escape

import httpx2
import pytest

from cleargate.sandbox import answers
from cleargate.sandbox.faults import Fault
from cleargate.sandbox.server import Sandbox
from cleargate.sandbox.trees import text
from tests.unit.sandbox.door_faults import DoorFaults
from tests.unit.sandbox.peers import NPI, Peer, question

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
GATEWAY = "{GatewayEDI.WebServices}"
PAIRS = {
    "GediPayerID": "60054",
    "ProviderLastName": "Sample Clinic",
    "NPI": NPI,
    "InsuranceNum": "W001",
    "InsuredFirstName": "Walter",
    "InsuredLastName": "Samplewright",
    "InsuredDob": "19700102",
    "InsuredGender": "M",
    "ServiceTypeCode": "PT",
    "DateOfService": "20261201",
}
CHILD = {
    "DependentFirstName": "Minna",
    "DependentLastName": "Samplewright",
    "DependentDob": "20120304",
}

MEDICARE = {"GediPayerID": "CMS", "InsuranceNum": "A A"}


def envelope(pairs: str, user: str, password: str, *, soap: str, response: str) -> str:
    return (
        f'<s:Envelope xmlns:s="{soap}" xmlns="GatewayEDI.WebServices"><s:Header><AuthSOAPHeader>'
        f"<User>{user}</User><Password>{password}</Password></AuthSOAPHeader></s:Header><s:Body>"
        f"<DoInquiry><Inquiry><Parameters>{pairs}</Parameters>"
        f"<ResponseDataType>{response}</ResponseDataType></Inquiry></DoInquiry></s:Body>"
        "</s:Envelope>"
    )


def ask(
    peer: Peer,
    *,
    password: str = "",
    soap: str = SOAP_12,
    response: str = "RawPayerData",
    extra: str = "",
    timeout: float = 5.0,
    **changes: str,
) -> httpx2.Response:
    """An empty change leaves the name away; `extra` is more XML among the pairs."""
    place = peer.sandbox.ready["trizetto"]
    named = {name: value for name, value in (PAIRS | changes).items() if value}
    pairs = "".join(pair(name, value) for name, value in named.items()) + extra
    headers = {"Content-Type": "application/soap+xml; charset=utf-8"}
    if soap == SOAP_11:
        action = '"GatewayEDI.WebServices/DoInquiry"'
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": action}
    user, known = text(place, "username"), text(place, "password")
    content = envelope(pairs, user, password or known, soap=soap, response=response)
    return peer.post(text(place, "url"), content=content, headers=headers, timeout=timeout)


def pair(name: str, value: str) -> str:
    return f"<MyNameValue><Name>{name}</Name><Value>{escape(value)}</Value></MyNameValue>"


def result(answer: httpx2.Response) -> Element:
    assert answer.status_code == 200
    found = fromstring(answer.content).find(f".//{GATEWAY}DoInquiryResult")
    assert found is not None
    return found


def told(answer: httpx2.Response, name: str) -> str:
    return result(answer).findtext(f"{GATEWAY}{name}") or ""


def failures(answer: httpx2.Response) -> list[tuple[str, str]]:
    """The messages, and the field that each is about."""
    found = result(answer).iterfind(f".//{GATEWAY}ValidationFailure")
    field = f"{GATEWAY}AffectedFields/{GATEWAY}string"
    return [(e.findtext(f"{GATEWAY}Message") or "", e.findtext(field) or "") for e in found]


@pytest.mark.parametrize("soap", [SOAP_11, SOAP_12])
def test_good_question_gets_the_payers_own_answer_and_counts_as_one(peer: Peer, soap: str) -> None:
    peer.enrol()
    answer = ask(peer, soap=soap)
    raw = told(answer, "ResponseAsRawString")
    assert told(answer, "SuccessCode") == "Success"
    assert raw.startswith("ISA*")
    assert raw.endswith("~")
    assert "NM1*IL*1*SAMPLEWRIGHT*WALTER" in raw
    assert told(answer, "ResponseAsXml") == ""
    assert fromstring(answer.content).tag == f"{{{soap}}}Envelope"
    (line,) = peer.ledger()["questions"]
    assert (line["payer"], line["member_id"]) == ("60054", "W001")
    assert f"TRN*2*{line['trace']}*" in raw


def test_xml_is_told_in_trizettos_words(peer: Peer) -> None:
    peer.enrol()
    answer = ask(peer, response="Xml", GediPayerID="60054")
    assert told(answer, "ResponseAsRawString") == ""
    document = fromstring(told(answer, "ResponseAsXml"))
    assert document.tag == "eligibilityresponse"
    assert document.findtext("infosource/payername") == "AETNA"
    assert document.findtext("subscriber/patientname/last") == "SAMPLEWRIGHT"
    assert document.findtext("subscriber/sex") == "Male"
    assert document.findtext("subscriber/trace_id") == "99Trizetto"
    words = {node.text for node in document.iter("info")}
    assert {"Active Coverage", "Co-Payment", "Deductible"} <= words
    assert {node.text for node in document.iter("plannetworkindicator")} <= {
        "In Plan-Network",
        "Out of Plan-Network",
    }


def test_a_list_of_services_stays_as_the_payer_wrote_it(peer: Peer) -> None:
    peer.enrol(payer="04271")
    answer = ask(peer, response="Xml", GediPayerID="04271")
    document = fromstring(told(answer, "ResponseAsXml"))
    assert "AD^AE^AF" in {node.text for node in document.iter("servicetypecode")}


@pytest.mark.parametrize("response", ["RawPayerData", "Xml"])
def test_dependent_is_answered_below_the_subscriber(peer: Peer, response: str) -> None:
    peer.enrol()
    answer = ask(peer, response=response, **CHILD)
    if response == "RawPayerData":
        assert "NM1*03*1*SAMPLEWRIGHT*MINNA" in told(answer, "ResponseAsRawString")
        return
    document = fromstring(told(answer, "ResponseAsXml"))
    assert document.findtext("subscriber/subscribername/first") == "WALTER"
    assert document.findtext("subscriber/subscriberid") == "W001"
    assert document.find("subscriber/benefit") is None
    assert document.findtext("dependent/patientname/first") == "MINNA"
    assert document.findtext("dependent/relationship/relationshipcode") == "Child"


def test_the_question_stands_in_its_answer(peer: Peer) -> None:
    peer.enrol()
    echo = result(ask(peer)).iterfind(f".//{GATEWAY}MyNameValue")
    pairs = {e.findtext(f"{GATEWAY}Name"): e.findtext(f"{GATEWAY}Value") for e in echo}
    assert pairs == PAIRS


@pytest.mark.parametrize(
    ("soap", "status", "code"), [(SOAP_11, 500, "soap:Server"), (SOAP_12, 500, "soap:Receiver")]
)
def test_wrong_password_is_a_fault(peer: Peer, soap: str, status: int, code: str) -> None:
    answer = ask(peer, soap=soap, password="wrong")
    assert (answer.status_code, code in answer.text) == (status, True)
    assert "Authentication failed" in answer.text
    assert peer.ledger()["questions"] == []


def test_an_envelope_that_is_none_is_refused(peer: Peer) -> None:
    url = text(peer.sandbox.ready, "trizetto", "url")
    soap_12 = {"Content-Type": "application/soap+xml"}
    assert peer.post(url, content=b"{}", headers={"Content-Type": "text/json"}).status_code == 415
    assert peer.post(url, content=b"<broken", headers=soap_12).status_code == 400
    assert peer.post(url, content=b"<x/>", headers=soap_12).status_code == 500
    older = {"Content-Type": "text/xml", "SOAPAction": '"Other"'}
    body = envelope("", "u", "p", soap=SOAP_11, response="Xml")
    answer = peer.post(url, content=body, headers=older)
    assert (answer.status_code, "soap:Client" in answer.text) == (500, True)
    assert ask(peer, response="Json").status_code == 400
    assert peer.ledger()["questions"] == []


@pytest.mark.parametrize(
    ("change", "message", "field"),
    [
        ({"GediPayerID": ""}, "PayerId can not be null", "PayerId can not be null"),
        ({"InsuranceNum": ""}, "Please enter InsuranceNum.", "InsuranceNum"),
        ({"InsuredFirstName": "W" * 36}, "Invalid InsuredFirstName Length.", "InsuredFirstName"),
        ({"NPI": "12345"}, "The NPI submitted must be 10 numerical digits.", "NPI"),
        (MEDICARE, "Medicare ID must be alpha-numeric.", "A A"),
    ],
)
def test_malformed_question_is_an_answer_with_its_failures(
    peer: Peer, change: dict[str, str], message: str, field: str
) -> None:
    answer = ask(peer, **change)
    assert told(answer, "SuccessCode") == "ValidationFailure"
    assert failures(answer) == [(message, field)]
    assert peer.ledger()["questions"] == []


def test_no_pairs_at_all_are_a_failure_too(peer: Peer) -> None:
    answer = ask(peer, **dict.fromkeys(PAIRS, ""))
    assert failures(answer) == [("Name Value Parameters can not be empty", "")]


def test_success_deceives(peer: Peer) -> None:
    """The traps of the public answers: Success beside an error, and Success with nothing."""
    peer.enrol()
    broken = ask(peer, InsuredDob="Today")
    assert told(broken, "SuccessCode") == "Success"
    words = "Transmission Error - Unable to Process Transaction"
    assert failures(broken) == [(words, "Response")]
    empty = ask(peer, InsuredGender="Mouse")
    assert (told(empty, "SuccessCode"), failures(empty)) == ("Success", [])
    assert told(empty, "ResponseAsRawString") == ""
    assert peer.ledger()["questions"] == []


def test_a_name_that_comes_twice_is_more_than_the_service_can_take(peer: Peer) -> None:
    peer.enrol()
    answer = ask(peer, extra=pair("servicetypecode", "30"))
    assert (told(answer, "SuccessCode"), failures(answer)) == ("SystemError", [])


@pytest.mark.parametrize(
    ("change", "reject"),
    [
        ({"NPI": "1234567890"}, "43"),
        ({"InsuranceNum": "W999"}, "72"),
        ({"InsuredDob": "19700103"}, "71"),
        ({"InsuredFirstName": "Wilma"}, "73"),
        (CHILD | {"DependentDob": "20120305"}, "67"),
    ],
)
def test_payer_rejects_what_it_does_not_know(
    peer: Peer, change: dict[str, str], reject: str
) -> None:
    peer.enrol()
    answer = ask(peer, **change)
    assert told(answer, "SuccessCode") == "Success"
    assert f"**{reject}*" in told(answer, "ResponseAsRawString")
    document = fromstring(told(ask(peer, response="Xml", **change), "ResponseAsXml"))
    assert document.find(".//rejection/rejectreason") is not None
    assert document.find(".//benefit") is None


def test_unknown_payer_is_trizettos_own_no(peer: Peer) -> None:
    answer = ask(peer, GediPayerID="00000")
    assert told(answer, "SuccessCode") == "PayerNotSupported"
    assert failures(answer)[0][0] == "InvalidPayerId"


def test_names_are_known_whatever_their_capitals(peer: Peer) -> None:
    peer.enrol()
    answer = ask(peer, GediPayerID="", extra=pair("gediPAYERid", "60054"))
    assert told(answer, "ResponseAsRawString")


def test_all_doors_lead_to_the_same_payer(peer: Peer) -> None:
    peer.enrol(state="aaa_42_then_active", tries=2)
    assert "AAA*Y**42" in told(ask(peer), "ResponseAsRawString")
    assert "AAA*Y**42" in peer.ask_payer(question()).text
    assert "AAA" not in told(ask(peer), "ResponseAsRawString")


@pytest.mark.parametrize("payer", answers.payers())
def test_truncated_answer_ends_in_the_middle_of_a_whole_envelope(peer: Peer, payer: str) -> None:
    peer.enrol(payer=payer, state="truncated")
    assert "IEA" not in told(ask(peer, GediPayerID=payer), "ResponseAsRawString")
    with pytest.raises(ParseError):
        fromstring(told(ask(peer, GediPayerID=payer, response="Xml"), "ResponseAsXml"))


class TestFaults(DoorFaults):
    """What befalls a client that takes the wire for granted."""

    door = "trizetto"
    ask = staticmethod(ask)

    @pytest.mark.parametrize("fault", [Fault.MALFORMED, Fault.HTML_200])
    def test_success_deceives_a_client_that_trusts_statuses(self, peer: Peer, fault: Fault) -> None:
        peer.enrol()
        peer.plan(fault, "trizetto:60054")
        answer = ask(peer)
        assert answer.status_code == 200
        assert "</DoInquiryResult>" not in answer.text

    def test_the_271_inside_can_break_off(self, peer: Peer) -> None:
        peer.enrol()
        peer.plan(Fault.TRUNCATED_271, "trizetto:60054")
        raw = told(ask(peer), "ResponseAsRawString")
        assert raw.startswith("ISA*")
        assert "IEA" not in raw

    def test_so_can_the_document(self, peer: Peer) -> None:
        peer.enrol()
        peer.plan(Fault.TRUNCATED_271, "trizetto:60054")
        document = told(ask(peer, response="Xml"), "ResponseAsXml")
        assert document.startswith("<eligibilityresponse>")
        with pytest.raises(ParseError):
            fromstring(document)

    def test_each_door_has_its_own_calls(self, peer: Peer) -> None:
        peer.enrol()
        peer.plan(Fault.UNAVAILABLE, "core:*")
        assert ask(peer).status_code == 200
        assert peer.ask_payer(question()).status_code == 503

    def test_slow_payer_is_slow_here_too(self, peer: Peer) -> None:
        peer.enrol(payer="37308")
        before = time.monotonic()
        assert ask(peer, GediPayerID="37308").status_code == 200
        assert time.monotonic() - before >= 0.25


def test_password_follows_from_the_seed_and_is_not_the_other_doors(sandbox: Sandbox) -> None:
    password = text(sandbox.ready, "trizetto", "password")
    assert len(password) == 24
    assert password != text(sandbox.ready, "clearinghouse", "password")
