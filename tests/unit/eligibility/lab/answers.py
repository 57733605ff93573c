"""Answers about one obviously invented patient, whose every detail must be gone from a copy."""

import re
import unicodedata
from datetime import date
from pathlib import Path

from cleargate.eligibility.lab.capture import Request, capture

ON = date(2026, 5, 4)
SERVICES = ("PT", "AE", "AF", "AD", "98", "30")

PLANTED = (
    "Quillfeather", "Zebediah", "QF-7741 209", "QF7741209", "GRPQ5521", "Picklebarrel Freight",
    "Picklebarrel", "77 Marmalade Lane", "Marmalade", "Teapotville", "59999", "4065550143",
    "zeb@quill.example", "TRACEQ0099", "Ottoline", "Wigglesworth", "Hoppinghill", "1993999998",
    "19580309", "1958-03-09", "03/09/1958", "March 9, 1958", "9 Mar 1958", "03091958",
    "CLAIMQ88123", "EXAMPLECLINIC9",
)  # fmt: skip
"""Everything that tells who the patient is, in several spellings."""

ROWS = """\
EB*1**30*PR*PPO GOLD
EB*1**PT
EB*B*IND*PT***27*20****Y*Y
EB*C*IND*30***23*1500*****Y
EB*C*IND*30***29*800*****Y
EB*F*IND*PT***23***VS*30**Y
MSG*COMBINED PHYSICAL AND OCCUPATIONAL THERAPY
EB*A*IND*PT***27**.4****N
MSG*OUT OF NETWORK - AFTER DEDUCTIBLE"""


def x12(rows: str = ROWS, *, patient: str = "", payer: str = "SUNDRY HEALTH PLAN") -> str:
    """A whole interchange, a segment a line; `patient` are more segments of loop 2100C."""
    body = [
        "ST*271*0001*005010X279A1",
        "BHT*0022*11*TRACEQ0099*20260504*0931",
        "HL*1**20*1",
        f"NM1*PR*2*{payer}*****PI*SUND1",
        "PER*IC*CUSTOMER SERVICE*TE*8005550199*UR*WWW.SUNDRY.EXAMPLE",
        "HL*2*1*21*1",
        "NM1*1P*2*HOPPINGHILL PHYSICAL THERAPY*****XX*1993999998",
        "HL*3*2*22*0",
        "TRN*2*TRACEQ0099*9HOPPINGHL",
        "NM1*IL*1*QUILLFEATHER*ZEBEDIAH*Q***MI*QF-7741 209",
        "REF*6P*GRPQ5521*PICKLEBARREL FREIGHT",
        "REF*EJ*CLAIMQ88123",
        "N3*77 MARMALADE LANE",
        "N4*TEAPOTVILLE*MT*59999",
        "DMG*D8*19580309*M",
        "INS*Y*18",
        "DTP*346*D8*20260101",
        "DTP*356*D8*20190314",
        *patient.splitlines(),
        *rows.splitlines(),
    ]
    return "\n".join(
        [
            "ISA*00*          *00*          *ZZ*SUND1          *ZZ*EXAMPLECLINIC9 "
            "*260504*0931*^*00501*000000907*0*T*:",
            "GS*HB*SUND1*EXAMPLECLINIC9*20260504*0931*907*X*005010X279A1",
            *body,
            f"SE*{len(body) + 1}*0001",
            "GE*1*907",
            "IEA*1*000000907",
        ]
    )


def encoded(text: str) -> bytes:
    """The commonest delimiters, and a line end after each."""
    return ("~\r\n".join(text.splitlines()) + "~\r\n").encode()


def xml(inside: str = "", *, head: str = "", attribute: str = "") -> bytes:
    """TriZetto's XML about the same patient."""
    return f"""<?xml version="1.0" encoding="utf-8"?>
{head}<eligibilityresponse{attribute}>
  <infosource><payername>SUNDRY HEALTH PLAN</payername><payerid>SUND1</payerid></infosource>
  <inforeceiver>
    <providername><last>HOPPINGHILL PHYSICAL THERAPY</last></providername><npi>1993999998</npi>
  </inforeceiver>
  <subscriber>
    <patientname><first>ZEBEDIAH</first><middle>Q</middle><last>QUILLFEATHER</last></patientname>
    <patientid>QF-7741 209</patientid>
    <patientaddress>77 MARMALADE LANE</patientaddress>
    <patientcity>TEAPOTVILLE</patientcity><patientstate>MT</patientstate>
    <patientzip>59999</patientzip>
    <sex>Male</sex><date-of-birth>19580309</date-of-birth>
    <trace_number>TRACEQ0099</trace_number><trace_id>99Trizetto</trace_id>
    <date><datequalifier>Plan Begin</datequalifier>
      <date-of-service>20260101</date-of-service></date>
    <benefit><info>Active Coverage</info><servicetypecode>30^PT</servicetypecode>
      <plancoveragedescription>PPO GOLD</plancoveragedescription></benefit>
    <benefit><info>Limitations</info><servicetypecode>PT</servicetypecode>
      <time_period_qualifier>Calendar Year</time_period_qualifier>
      <quantityqualifier>Visits</quantityqualifier><quantity>30</quantity>
      <message>COMBINED PHYSICAL AND OCCUPATIONAL THERAPY</message>
      <plansponsorname>PICKLEBARREL FREIGHT</plansponsorname>
      <grouppolicynum>GRPQ5521</grouppolicynum></benefit>
    {inside}
  </subscriber>
</eligibilityresponse>
""".encode()


def in_json() -> dict[str, object]:
    """`benefitsInformation` about the same patient."""
    return {
        "meta": {"applicationMode": "production", "traceId": "TRACEQ0099"},
        "controlNumber": "000000907",
        "tradingPartnerServiceId": "SUND1",
        "provider": {"providerName": "HOPPINGHILL PHYSICAL THERAPY", "npi": "1993999998"},
        "payer": {"name": "SUNDRY HEALTH PLAN", "payorIdentification": "SUND1"},
        "subscriber": {
            "memberId": "QF-7741 209",
            "firstName": "ZEBEDIAH",
            "lastName": "QUILLFEATHER",
            "gender": "M",
            "dateOfBirth": "19580309",
            "groupNumber": "GRPQ5521",
            "groupDescription": "PICKLEBARREL FREIGHT",
            "address": {
                "address1": "77 MARMALADE LANE",
                "city": "TEAPOTVILLE",
                "state": "MT",
                "postalCode": "59999",
            },
        },
        "planDateInformation": {"planBegin": "20260101", "eligibilityBegin": "20190314"},
        "benefitsInformation": [
            {"code": "1", "name": "Active Coverage", "serviceTypeCodes": ["30", "PT"]},
            {
                "code": "B",
                "serviceTypeCodes": ["PT"],
                "benefitAmount": "20",
                "timeQualifierCode": "27",
                "inPlanNetworkIndicatorCode": "Y",
                "additionalInformation": [{"description": "IN NETWORK OFFICE VISIT"}],
            },
        ],
    }


def captured(tmp_path: Path, content: bytes, on: date = ON) -> dict[str, str]:
    """The captured folder's files as text, under their names. Raises Refused as `capture` does."""
    folder, _ = capture(Request(content, SERVICES, on, "sundry", tmp_path))
    return {path.name: path.read_bytes().decode("utf-8") for path in sorted(folder.iterdir())}


def left(files: dict[str, str], planted: tuple[str, ...] = PLANTED) -> list[str]:
    """What is left of the patient: found by nothing but letters and digits."""
    whole = {name: _plain(text) for name, text in files.items()}
    return [
        f"{value} in {name}" for value in planted for name in whole if _plain(value) in whole[name]
    ]


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text).casefold()
    return re.sub(r"[^a-z0-9]", "", folded)
