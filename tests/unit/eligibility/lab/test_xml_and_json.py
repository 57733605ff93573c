"""Copies of answers in XML and JSON: what no table knows does not stay."""

import json
from pathlib import Path

import pytest

from cleargate.nouns.errors import Refused
from tests.unit.eligibility.lab.answers import ON, captured, encoded, in_json, left, x12, xml

XML_PLACES = {
    "a comment": {"inside": "<!-- asked for Zebediah Quillfeather, 19580309 -->"},
    "an attribute": {"attribute": ' patient="Zebediah Quillfeather" id="QF-7741 209"'},
    "a name of an attribute": {"attribute": ' Quillfeather="1"'},
    "a name of an element": {"inside": "<Quillfeather>yes</Quillfeather>"},
    "an unknown element": {"inside": "<nickname>Zebediah</nickname><n>QF7741209</n>"},
    "text between elements": {"inside": "Zebediah Quillfeather, 77 Marmalade Lane"},
    "a message": {"inside": "<benefit><message>FOR ZEBEDIAH, 03/09/1958</message></benefit>"},
    "an entity": {
        "inside": "<benefit><benefitentity><first>OTTOLINE</first><name>WIGGLESWORTH</name>"
        "</benefitentity></benefit>"
    },
    "a processing instruction": {"head": "<?patient Zebediah Quillfeather?>"},
    "a name in a namespace": {"attribute": ' xmlns:quillfeather="urn:QF7741209"'},
    "words behind a known address": {"attribute": ' xmlns:xs="http://www.w3.org/Zebediah-59999"'},
    "CDATA": {"inside": "<message><![CDATA[Zebediah Quillfeather & co]]></message>"},
    "letters as numbers": {"inside": "<message>&#90;ebediah &#x51;uillfeather</message>"},
    "an id as an amount": {
        "inside": "<benefit><info>Deductible</info><benefitamount>QF7741209</benefitamount>"
        "</benefit>"
    },
}


@pytest.mark.parametrize("place", XML_PLACES.values(), ids=XML_PLACES)
def test_nothing_of_the_patient_is_left_in_xml(tmp_path: Path, place: dict[str, str]) -> None:
    assert left(captured(tmp_path, xml(**place))) == []


def test_xml_keeps_its_form_and_the_payer_s_words(tmp_path: Path) -> None:
    text = captured(tmp_path, xml())["answer.xml"]
    assert text.startswith('<?xml version="1.0" encoding="utf-8"?>\n<eligibilityresponse>\n  <info')
    for words in ("COMBINED PHYSICAL AND OCCUPATIONAL THERAPY", "Male", "30^PT", "SUNDRY HEALTH"):
        assert words in text


def test_documents_in_an_envelope_are_looked_into(tmp_path: Path) -> None:
    inner = encoded(x12()).decode().replace("&", "&amp;")
    envelope = (
        '<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body>'
        '<DoInquiryResponse xmlns="GatewayEDI.WebServices"><DoInquiryResult>'
        f"<SuccessCode>Success</SuccessCode><ResponseAsRawString>{inner}</ResponseAsRawString>"
        "<OriginalInquiry><Parameters><MyNameValue><Name>InsuredLastName</Name>"
        "<Value>QUILLFEATHER</Value></MyNameValue></Parameters></OriginalInquiry>"
        "</DoInquiryResult></DoInquiryResponse></soap:Body></soap:Envelope>"
    )
    files = captured(tmp_path, envelope.encode())
    assert left(files) == []
    assert "EB*C*IND*30***23*1500*****Y" in files["answer.xml"]
    assert "GatewayEDI.WebServices" in files["answer.xml"]


@pytest.mark.parametrize("content", [b"<!DOCTYPE a>" + xml(), xml()[:-5]])
def test_xml_that_cannot_be_followed_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Refused) as refused:
        captured(tmp_path, content)
    assert left({"message": str(refused.value)}) == []


JSON_PLACES: dict[str, dict[str, object]] = {
    "a member of an unknown name": {"nickname": "Zebediah", "seen": {"by": "Wigglesworth"}},
    "a number": {"ssn": 4065550143, "born": 19580309},
    "a name of a member": {"Quillfeather": True, "QF7741209": {"19580309": 1}},
    "a list": {"known": ["Zebediah", ["QF7741209", 59999]]},
    "an error's words": {"errors": [{"description": "No ZEBEDIAH QUILLFEATHER, 03/09/1958"}]},
    "words for a code": {"planStatus": [{"statusCode": "QUILLFEATHER", "planDetails": "ZEBEDIAH"}]},
    "letters as numbers": {"note": "\u005aebediah \u0051uillfeather"},
    "a string that holds JSON": {"raw": json.dumps({"lastName": "QUILLFEATHER"})},
    "the 271 itself": {"x12": encoded(x12()).decode()},
    "XML": {"copy": xml().decode()},
    "a date that is none": {"planInformation": {"planBegin": "QF-7741 209"}},
    "a contact": {"contactInformation": {"name": "ZEBEDIAH", "contacts": [
        {"communicationMode": "Telephone", "communicationNumber": "4065550143"}]}},
}  # fmt: skip


@pytest.mark.parametrize("members", JSON_PLACES.values(), ids=JSON_PLACES)
@pytest.mark.parametrize("indent", [None, 2])
def test_nothing_of_the_patient_is_left_in_json(
    tmp_path: Path, members: dict[str, object], indent: int | None
) -> None:
    files = captured(tmp_path, json.dumps(in_json() | members, indent=indent).encode())
    assert left(files) == []
    assert "IN NETWORK OFFICE VISIT" in files["answer.json"]


def test_json_is_json_again_with_the_same_members(tmp_path: Path) -> None:
    content = json.dumps(in_json() | {"count": 12345678, "share": 0.25, "none": None}).encode()
    after = json.loads(captured(tmp_path, content)["answer.json"])
    assert after["benefitsInformation"] == in_json()["benefitsInformation"]
    assert len(after) == len(json.loads(content))
    assert after["payer"]["name"] == "SUNDRY HEALTH PLAN"


@pytest.mark.parametrize(
    "member",
    ["payorIdentification", "responsePayerId", "identification", "etin", "naicId", "tin", "ein"],
)
def test_the_payer_s_own_id_stays_by_whatever_name(tmp_path: Path, member: str) -> None:
    """Its rules are found by it."""
    payer = {"name": "SUNDRY HEALTH PLAN", member: "87726"}
    content = json.dumps(in_json() | {"payer": payer}).encode()
    assert json.loads(captured(tmp_path, content)["answer.json"])["payer"][member] == "87726"


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16"])
def test_encodings_stay(tmp_path: Path, mark: str) -> None:
    content = json.dumps(in_json()).encode(mark)
    folder = tmp_path / "out"
    with pytest.raises(UnicodeDecodeError) if mark == "utf-16" else _nothing():
        captured(folder, content)
    after = (folder / "sundry" / "answer.json").read_bytes()
    assert after[:2] == content[:2]
    assert left({"answer": after.decode(mark)}) == []


def _nothing() -> object:
    from contextlib import nullcontext

    return nullcontext()


def test_depth_and_size_have_limits(tmp_path: Path) -> None:
    deep = json.dumps(in_json())[:-1] + ', "a": ' + "[" * 500 + "]" * 500 + "}"
    large = json.dumps(in_json() | {"a": "x" * 1_100_000})
    many = json.dumps(in_json() | {"a": ["abcdef"] * 30_000})
    others = json.dumps(in_json() | {"a": [f"V{number}X" for number in range(6000)]})
    for content in (deep, large, many, others):
        with pytest.raises(Refused):
            captured(tmp_path, content.encode(), ON)


@pytest.mark.parametrize("hostile", ["<a" + " " * 4000 + "x>", "<" + "a" * 60_000 + "<b>"])
def test_a_document_within_a_document_takes_no_time(tmp_path: Path, hostile: str) -> None:
    """Each of these takes minutes where a pattern tries again what it has read."""
    with pytest.raises(Refused, match="malformed"):
        captured(tmp_path, json.dumps(in_json() | {"message": hostile}).encode())


@pytest.mark.parametrize("place", ["member", "subscriber"])
def test_a_person_called_by_benefit_words_does_not_stay(tmp_path: Path, place: str) -> None:
    document = in_json()
    told = document.get(place, {})
    assert isinstance(told, dict)
    content = json.dumps(document | {place: told | {"name": "Grace May Case"}}).encode()
    files = captured(tmp_path, content)
    assert left(files, ("May Case", "Grace")) == []
