"""Complete synthetic 271 answers of 40 and more segments, into which a test puts its trap.

Written from the guide and from the shapes of payers' real answers, not by our codec. `BACKGROUND`
is what a payer says about other services: it must never change what is said about the one asked.
"""

import json
from contextlib import suppress
from datetime import date

from cleargate.coverage.reading import read_answers
from cleargate.nouns.coverage import Amount, AmountKind, Coverage, ServiceVerdict
from tests.unit.coverage.as_json import (
    NotInJson,
    benefits_document,
    comparable,
    entry_of_segment,
    outcome,
    plans_document,
)

ON = date(2026, 5, 4)
SERVICES = ("PT", "AE", "AF", "AD", "98", "30")

BACKGROUND = """\
EB*1**48^50^86^UC^MH*********W
EB*A*IND*48***27**.2****Y
MSG*SEMI PRIVATE ROOM AND BOARD
EB*A*IND*50***27**.2****Y
EB*B*IND*86***27*250*****W
MSG*WAIVED IF ADMITTED
EB*B*IND*UC***27*60*****Y
EB*A*IND*48***27**.4****N
EB*A*IND*50***27**.4****N
EB*F*IND*48***23***DY*120**Y
EB*CB**48^65********Y*Y
EB*B*IND*MH***27*25*****Y
EB*A*IND*MH***27**.4****N
EB*1**88
EB*X
LS*2120
NM1*1P*2*EXAMPLE THERAPY LLC*****XX*1234567893
LE*2120
EB*L
LS*2120
NM1*P3*1*SAMPLEDOC*CASEY
LE*2120
EB*P
MSG*THIS IS NOT A GUARANTEE OF PAYMENT
EB*D*IND
MSG*NONADHERENT-CBP-CONTROLLING BLOOD PRESSURE"""

ACTIVE_PLAN = "EB*1**30*PR*EXAMPLE PPO 500"


def document(
    rows: str,
    *,
    patient: str = "DTP*346*D8*20260101",
    payer: str = "EXAMPLE HEALTH PLAN",
    provider: str = "",
    background: str = BACKGROUND,
) -> str:
    """A whole interchange, one segment a line. `patient` are more segments of loop 2100C."""
    body = [
        "ST*271*0001*005010X279A1",
        "BHT*0022*11*REF0001*20260501*1200",
        "HL*1**20*1",
        f"NM1*PR*2*{payer}*****PI*EX001",
        "PER*IC*PROVIDER SERVICES*TE*8005550100",
        "HL*2*1*21*1",
        "NM1*1P*2*EXAMPLE THERAPY LLC*****XX*1234567893",
        *_lines(provider),
        "HL*3*2*22*0",
        "TRN*2*TRACE0001*9CLEARGATE",
        "NM1*IL*1*TESTPERSON*ANN****MI*TST0001",
        "REF*6P*GRP01*EXAMPLE EMPLOYER",
        "N3*1 SAMPLE STREET",
        "N4*SAMPLETON*MA*02101",
        "DMG*D8*19800201*F",
        "INS*Y*18",
        *_lines(patient),
        *_lines(rows),
        *_lines(background),
    ]
    return "\n".join(
        [
            "ISA*00*          *00*          *ZZ*EXAMPLEPAYER   *ZZ*EXAMPLECLINIC  "
            "*260501*1200*^*00501*000000007*0*T*:",
            "GS*HB*EXAMPLEPAYER*EXAMPLECLINIC*20260501*1200*7*X*005010X279A1",
            *body,
            f"SE*{len(body) + 1}*0001",
            "GE*1*7",
            "IEA*1*000000007",
        ]
    )


def encoded(text: str) -> bytes:
    """A document in bytes, with the commonest delimiters."""
    return ("~\n".join(text.splitlines()) + "~\n").encode()


def coverage_of(
    rows: str,
    *,
    patient: str = "DTP*346*D8*20260101",
    payer: str = "EXAMPLE HEALTH PLAN",
    provider: str = "",
    services: tuple[str, ...] = SERVICES,
    on: date = ON,
    background: str = BACKGROUND,
) -> Coverage:
    """Read the one coverage of a document that holds these rows.

    Whatever a test says of a 271 thereby holds for the same answer in both JSON forms.
    """
    text = document(rows, patient=patient, payer=payer, provider=provider, background=background)
    assert not background or len(text.splitlines()) >= 40
    reading = read_answers(encoded(text), services, on)
    assert not reading.diagnostics
    [coverage] = reading.coverages
    assert_json_says_the_same(text, coverage, services, on)
    return coverage


def assert_json_says_the_same(
    text: str, expected: Coverage, services: tuple[str, ...], on: date
) -> set[str]:
    """Read the document in both JSON forms; the names of those without members for all of it.

    `benefitsInformation` gives the same coverage but for the names of places; the newer form,
    which regroups and splits the entries, comes to the same.
    """
    lost = {"benefitsInformation", "plans"}
    with suppress(NotInJson):
        content = json.dumps(benefits_document(text)).encode()
        reading = read_answers(content, services, on)
        assert not reading.diagnostics
        [coverage] = reading.coverages
        assert comparable(coverage) == comparable(expected, entry_of_segment(text))
        lost.remove("benefitsInformation")
    with suppress(NotInJson):
        content = json.dumps(plans_document(text)).encode()
        reading = read_answers(content, services, on)
        assert not reading.diagnostics
        [coverage] = reading.coverages
        assert outcome(coverage, services) == outcome(expected, services)
        lost.remove("plans")
    return lost


def service(coverage: Coverage, code: str = "PT") -> ServiceVerdict:
    """The verdict for one service."""
    return next(verdict for verdict in coverage.services if verdict.code == code)


def amounts(coverage: Coverage, kind: AmountKind, code: str) -> list[Amount]:
    """The amounts of one kind whose row names a service."""
    return [a for a in coverage.amounts if a.kind is kind and code in a.service_types]


def codes(coverage: Coverage) -> set[str]:
    """The codes of all reasons."""
    return {reason.code for reason in coverage.reasons}


def segment_of(rows: str, start: str, *, patient: str = "DTP*346*D8*20260101") -> int:
    """The number, from 1, of the first segment that starts so in a document of these rows."""
    lines = document(rows, patient=patient).splitlines()
    return 1 + next(at for at, line in enumerate(lines) if line.startswith(start))


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []
