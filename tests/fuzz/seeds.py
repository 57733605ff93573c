"""What the fuzzer bends: our own answers in every format, and the public samples where they lie."""

import json
from dataclasses import dataclass

from tests.corpus.files import CORPUS
from tests.unit.coverage.answers import ACTIVE_PLAN, document, encoded
from tests.unit.coverage.as_json import benefits_document, plans_document
from tests.unit.coverage.xml_answers import ACTIVE_PLAN as XML_ACTIVE_PLAN
from tests.unit.coverage.xml_answers import benefit
from tests.unit.coverage.xml_answers import document as xml_document

SECRETS = ("TESTPERSON", "TST0001", "19800201", "1980-02-01")
"""Who the patient of our own answers is. No diagnostic may hold one of these."""

_SAMPLE_BYTES_MAX = 30_000

_ROWS = f"""{ACTIVE_PLAN}
EB*1**PT
EB*C*IND*30***23*2000*****Y
EB*C*IND*30***29*800*****Y
EB*B*IND*PT***27*20****Y*Y
MSG*IN NETWORK
DTP*292*RD8*20260101-20261231
EB*A*IND*PT*****.2
EB*G*FAM*30***24*99999.99
EB*F*IND*PT*********Y
HSD*VS*30***23
EB*R*IND*30
LS*2120
NM1*PR*2*SECOND HEALTH PLAN
LE*2120
EB*CB**AE********Y*N"""
_DEPENDENT = """HL*4*3*23*0
TRN*2*TRACE0001*9CLEARGATE
NM1*03*1*TESTPERSON*BEE
DMG*D8*20150601*F
INS*N*19
EB*1**30^PT"""


@dataclass(frozen=True)
class Seed:
    """One answer. Cut off before `end` it has lost something: nothing may then be active."""

    name: str
    content: bytes
    end: int = 0


def seeds() -> list[Seed]:
    """Our own answers, then the samples."""
    return [*_own(), *_samples()]


def _own() -> list[Seed]:
    rich = document(_ROWS)
    found = [
        _x12("271", encoded(rich)),
        _x12("271 of a dependent", encoded(document(_DEPENDENT, background=""))),
        _x12("271 refused", encoded(document("AAA*N**72*C", background=""))),
        _x12("271 on one line", encoded(rich).replace(b"~\n", b"~")),
        _x12("271 in Waystar's delimiters", _with_delimiters(encoded(rich))),
        Seed("two 271s", encoded(rich) + encoded(document("EB*6**30"))),
    ]
    forms = {"benefitsInformation": benefits_document(rich), "plans": plans_document(rich)}
    for name, form in forms.items():
        content = json.dumps(form).encode()
        found.append(Seed(f"JSON {name}", content, len(content)))
    xml = xml_document(XML_ACTIVE_PLAN + benefit("Co-Payment", "PT", amount="20", network="Yes"))
    content = xml.encode()
    found.append(Seed("TriZetto's XML", content, content.rindex(b">")))
    soap = b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><COREEnvelope>'
    soap += b"<Payload><![CDATA[" + encoded(rich) + b"]]></Payload><ErrorCode>Success</ErrorCode>"
    found.append(Seed("CORE envelope", soap + b"</COREEnvelope></s:Body></s:Envelope>"))
    page = b"<!DOCTYPE html><html><body><h1>Service Unavailable</h1><p>TESTPERSON</p></body></html>"
    acknowledged = b"~ST*999*0001*005010X231A1~AK1*HS*1~AK2*270*0001~IK5*R*5~AK9*R*1*1*0~SE*6*0001~"
    found += [
        Seed("HTML", page),
        Seed("text", b"ERROR 500: TESTPERSON TST0001 could not be processed.\n"),
        Seed("999", encoded(rich)[:105] + acknowledged),
        Seed("empty", b""),
    ]
    return found


def _x12(name: str, content: bytes) -> Seed:
    separator = content[3:4]
    return Seed(name, content, content.rindex(b"SE" + separator))


def _with_delimiters(content: bytes) -> bytes:
    return content.translate(bytes.maketrans(b"*:^~", b"|^}\n")).replace(b"\n\n", b"\n")


def _samples() -> list[Seed]:
    files = sorted(CORPUS.glob("*/*")) if CORPUS.is_dir() else []
    return [
        Seed(f"sample {path.parent.name} {number}", path.read_bytes()[:_SAMPLE_BYTES_MAX])
        for number, path in enumerate(files)
        if path.is_file()
    ]
