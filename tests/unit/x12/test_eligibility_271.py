"""A 271's loops, each with what belongs to it."""

from datetime import date

from cleargate.x12.diagnostics import Diagnostic
from cleargate.x12.eligibility_271 import Answer, Benefit, read_answer
from cleargate.x12.envelope import transaction_sets
from cleargate.x12.tokenizer import chunked
from tests.unit.coverage.answers import document, encoded

LOOP = """\
EB*F*IND*PT^AE*PR*EXAMPLE PPO*23*10.50*.2*VS*30*Y*W*HC:97110*1
HSD*VS*30***23*1
REF*18*PLAN01*EXAMPLE
DTP*292*RD8*20260101-20261231
AAA*N**53*N
MSG*FIRST
MSG*SECOND
III*ZZ*11
LS*2120
NM1*X3*2*EXAMPLE REVIEW*****PI*RV1
PER*IC*DESK*TE*8005550101*EM*desk@example.test
NM1*P3*1*SAMPLEDOC*CASEY
LE*2120"""


def read(text: str) -> tuple[Answer, list[Diagnostic]]:
    findings: list[Diagnostic] = []
    [transaction] = transaction_sets(chunked(encoded(text)), findings.append)
    return read_answer(transaction, findings.append), findings


def benefit(rows: str) -> Benefit:
    answer, findings = read(document(rows))
    assert findings == []
    patient = answer.members[0].patient
    assert patient is not None
    return patient.benefits[0]


def test_the_levels_hang_together() -> None:
    answer, findings = read(document("EB*1**30"))
    [member] = answer.members
    assert findings == []
    assert member.payer is not None
    assert member.provider is not None
    assert member.subscriber is not None
    assert member.payer.party is not None
    assert (member.payer.party.family, member.payer.party.id) == ("EXAMPLE HEALTH PLAN", "EX001")
    assert member.payer.party.contacts == ("PROVIDER SERVICES", "8005550100")
    assert member.provider.party is not None
    assert member.provider.party.id == "1234567893"
    assert member.subscriber.birth_date == date(1980, 2, 1)
    assert member.subscriber.references[0].kind == "6P"
    assert member.subscriber.trace == "TRACE0001"


def test_a_benefit_loop_holds_all_of_its_segments() -> None:
    found = benefit(LOOP)
    assert found.elements == [
        "EB", "F", "IND", "PT^AE", "PR", "EXAMPLE PPO", "23", "10.50", ".2", "VS", "30", "Y", "W",
        "HC:97110",
    ]  # fmt: skip
    assert found.services == ("PT", "AE")
    attached = found.attached
    assert [delivery.quantity for delivery in attached.deliveries] == ["30"]
    assert [reference.id for reference in attached.references] == ["PLAN01"]
    assert attached.periods[0].end == date(2026, 12, 31)
    assert [rejection.reason for rejection in attached.rejections] == ["53"]
    assert [text.text for text in attached.messages] == ["FIRST", "SECOND"]
    assert attached.places == ("11",)
    assert [(party.role, party.family) for party in attached.parties] == [
        ("X3", "EXAMPLE REVIEW"),
        ("P3", "SAMPLEDOC"),
    ]
    assert attached.parties[0].contacts == ("DESK", "8005550101", "desk@example.test")
    assert attached.parties[1].contacts == ()


def test_order_inside_the_loop_does_not_matter_but_for_contacts() -> None:
    eb, *rest = LOOP.splitlines()
    shuffled = benefit("\n".join([eb, *rest[8:], *rest[:8]]))
    straight = benefit(LOOP)
    assert [text.text for text in shuffled.attached.messages] == ["FIRST", "SECOND"]
    assert len(shuffled.attached.parties) == len(straight.attached.parties)
    assert shuffled.attached.places == straight.attached.places


def test_ls_and_le_are_not_needed_around_a_name() -> None:
    bare = benefit("EB*U**88\nNM1*VN*2*EXAMPLE RX")
    assert [party.family for party in bare.attached.parties] == ["EXAMPLE RX"]
    assert bare.attached.parties[0].id == ""


def test_segment_numbers_are_those_of_the_file() -> None:
    text = document(LOOP)
    lines = text.splitlines()
    found = benefit(LOOP)
    assert lines[found.segment - 1].startswith("EB*F")
    assert lines[found.attached.messages[1].segment - 1] == "MSG*SECOND"
    assert lines[found.attached.periods[0].segment - 1].startswith("DTP*292")


def test_what_the_guide_requires_and_is_missing_is_told_with_its_place() -> None:
    text = (
        document("EB**30\nEB*1**TOOLONG\nDTP*307*D8*20261345\nDTP*307*RD8*20260201-20260101")
        .replace("NM1*PR*2*EXAMPLE HEALTH PLAN", "NM1*PR*2*")
        .replace("DMG*D8*19800201", "DMG*D8*1980-02-01")
    )
    _, findings = read(text)
    assert [finding.code for finding in findings] == [
        "no_payer_name",
        "eb_without_code",
        "service_type",
        "date",
        "date_order",
        "birth_date",
    ]
    assert all(finding.segment > 2 for finding in findings)


def test_a_271_without_levels_has_one_member_without_a_patient() -> None:
    answer, findings = read(
        "\n".join(document("").splitlines()[:4]) + "\nSE*3*0001\nGE*1*7\nIEA*1*000000007"
    )
    assert [member.patient for member in answer.members] == [None]
    assert [finding.code for finding in findings] == ["no_levels"]


def test_service_types_that_are_marks_only_are_none() -> None:
    assert benefit("EB*1**^^^").services == ()
