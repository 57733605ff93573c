"""Complete synthetic answers in TriZetto's XML, into which a test puts its trap.

Written from the format's element names and words, with nobody's data. `BACKGROUND` is what a payer
says about other services: it must never change what is said about the one asked.
"""

from collections.abc import Iterator
from datetime import date
from html import escape

from cleargate.coverage.reading import Reading, read_answers
from cleargate.nouns.coverage import Coverage

ON = date(2026, 5, 4)
SERVICES = ("PT", "AE", "AF", "AD", "98", "30")

ELEMENTS = {
    "level": "coveragelevel",
    "service": "servicetype",
    "code": "servicetypecode",
    "insurance": "insurancetype",
    "insurance_code": "insurancetypecode",
    "plan": "plancoveragedescription",
    "period": "time_period_qualifier",
    "amount": "benefitamount",
    "percent": "percent",
    "kind": "quantityqualifier",
    "quantity": "quantity",
    "need": "yes_no_response_code",
    "network": "plannetworkindicator",
    "dates_of": "datequalifier",
    "dates": "date-of-service",
    "message": "message",
}
IN, OUT = "In Plan-Network", "Out of Plan-Network"


def element(name: str, text: str) -> str:
    """One element with text."""
    return f"<{name}>{escape(text)}</{name}>"


def benefit(info: str, code: str = "", *, inside: str = "", **parts: str) -> str:
    """One benefit element on a line. `inside` is more XML at its end."""
    given = {"code": code, **parts} if code else parts
    body = "".join(element(ELEMENTS[part], given[part]) for part in ELEMENTS if part in given)
    return f"<benefit>{element('info', info)}{body}{inside}</benefit>"


def _background() -> Iterator[str]:
    """What payers say at length about services that nobody asked about: forty rows."""
    yield benefit("Active Coverage", "48^50^86^UC^MH")
    for code in ("48", "50", "86", "UC", "MH", "33"):
        for network, percent, copay in ((IN, ".2", "250"), (OUT, ".4", "0")):
            share = {"level": "Individual", "network": network, "need": "Yes"}
            yield benefit("Co-Insurance", code, percent=percent, **share)
            yield benefit("Co-Payment", code, period="Visit", amount=copay, **share)
            yield benefit("Deductible", code, period="Visit", amount="0", **share)
    yield benefit("Benefit Disclaimer", message="THIS IS NOT A GUARANTEE OF PAYMENT")
    yield benefit(
        "Other Source of Data", inside="<benefitentity><name>SOURCE</name></benefitentity>"
    )
    yield benefit("Non-Covered", "41^54")


BACKGROUND = "\n".join(_background())
ACTIVE_PLAN = benefit(
    "Active Coverage",
    "30",
    service="Health Benefit Plan Coverage",
    insurance_code="PR",
    plan="EXAMPLE PPO 500",
)
PT = f"{ACTIVE_PLAN}\n{benefit('Active Coverage', 'PT')}"

PLAN_DATES = (
    "<date><datequalifier>Plan Begin</datequalifier>"
    "<date-of-service>20260101</date-of-service></date>"
)
TRACES = (
    "<trace_number>TRACE0001</trace_number><trace_id>9EXAMPLE</trace_id>"
    "<trace_number>TRACE0002</trace_number><trace_id>99Trizetto</trace_id>"
)
IDENTITY = (
    "<patientname><first>ANN</first><last>TESTPERSON</last></patientname>"
    "<patientid>TST0001</patientid><sex>Female</sex><date-of-birth>19800201</date-of-birth>"
)


def rejection(reason: str, follow_up: str = "Please Correct and Resubmit") -> str:
    """One rejection of the payer."""
    inside = element("rejectreason", reason) + element("followupaction", follow_up)
    return f"<rejection>{inside}</rejection>"


def document(
    rows: str,
    *,
    patient: str = PLAN_DATES,
    payer: str = "EXAMPLE HEALTH PLAN",
    above: str = "",
    receiver: str = "",
    after: str = "",
    background: str = BACKGROUND,
) -> str:
    """A whole eligibilityresponse, one benefit a line."""
    return f"""<?xml version="1.0"?>
<eligibilityresponse>
<infosource><transactionid>T1</transactionid>{element("payername", payer)}{above}</infosource>
<inforeceiver>{receiver}<npi>1234567893</npi></inforeceiver>
<subscriber>
{TRACES}
{patient}
{IDENTITY}
{rows}
{background}
</subscriber>{after}
</eligibilityresponse>"""


def read(text: str, services: tuple[str, ...] = SERVICES, on: date = ON) -> Reading:
    """Read a document as it comes from a file."""
    return read_answers(text.encode(), services, on)


def coverage_of(
    rows: str,
    *,
    patient: str = PLAN_DATES,
    payer: str = "EXAMPLE HEALTH PLAN",
    services: tuple[str, ...] = SERVICES,
    background: str = BACKGROUND,
) -> Coverage:
    """Read the one coverage of a document that holds these rows, about which nothing is wrong."""
    text = document(rows, patient=patient, payer=payer, background=background)
    assert not background or text.count("<benefit>") >= 40
    reading = read(text, services)
    assert not reading.diagnostics
    [coverage] = reading.coverages
    return coverage


def envelope(
    code: str, *, failures: str = "", messages: str = "", inside: str = "", raw: str = ""
) -> str:
    """The answer of DoInquiry; `inside` is a document, `raw` a 271."""
    as_xml = element("ResponseAsXml", inside) if inside else ""
    as_raw = element("ResponseAsRawString", raw) if raw else ""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope">
<soap:Body><DoInquiryResponse xmlns="GatewayEDI.WebServices"><DoInquiryResult>
{as_xml}{as_raw}
<ExtraProcessingInfo><AllMessages>{messages}</AllMessages><Failures>{failures}</Failures>
</ExtraProcessingInfo>
<SuccessCode>{code}</SuccessCode>
<OriginalInquiry><Parameters><MyNameValue><Name>InsuredLastName</Name><Value>TESTPERSON</Value>
</MyNameValue></Parameters><ResponseDataType>Xml</ResponseDataType></OriginalInquiry>
</DoInquiryResult></DoInquiryResponse></soap:Body></soap:Envelope>"""


def failure(message: str, *fields: str) -> str:
    """One ValidationFailure of the clearinghouse."""
    affected = "".join(element("string", field) for field in fields)
    return (
        f"<ValidationFailure><AffectedFields>{affected}</AffectedFields>"
        f"{element('Message', message)}</ValidationFailure>"
    )
