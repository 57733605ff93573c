"""The question that we write is the question that was meant."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from cleargate.nouns.eligibility import Asker, Detail, Inquiry, ServiceList
from cleargate.nouns.errors import Refused
from cleargate.nouns.insurance import Insurance, Relationship, Subscriber
from cleargate.nouns.patient import Contact, Name, Patient, Sex
from cleargate.x12.diagnostics import Diagnostic
from cleargate.x12.eligibility_270 import Routing, write_270
from cleargate.x12.envelope import TransactionSet, transaction_sets
from cleargate.x12.tokenizer import Delimiters, chunked

WHEN = datetime(2026, 5, 1, 12, 34, tzinfo=UTC)
ROUTING = Routing("EXAMPLECLINIC", "EXAMPLEHOUSE")
INQUIRY = Inquiry(
    payer_code="EX001",
    payer_name="Example Health Plan",
    asker=Asker("Example Therapy LLC", "1234567893"),
    patient=Patient(Name("Testperson", "Ann"), date(1980, 2, 1), Sex.FEMALE, Contact()),
    insurance=Insurance("ex", "Example Health Plan", "TST0001", "GRP01"),
    service_types=("PT", "30"),
    service_date=date(2026, 5, 4),
    trace="trace-0001",
)
CHILD = replace(
    INQUIRY,
    patient=Patient(Name("Testperson", "Bee"), date(2015, 6, 1), Sex.UNKNOWN, Contact()),
    insurance=replace(
        INQUIRY.insurance,
        relationship=Relationship.CHILD,
        subscriber=Subscriber(Name("Testperson", "Ann"), date(1980, 2, 1), Sex.FEMALE),
    ),
)


def reread(content: bytes) -> TransactionSet:
    findings: list[Diagnostic] = []
    [found] = transaction_sets(chunked(content), findings.append)
    assert findings == []
    return found


def test_a_subscribers_question_is_this() -> None:
    lines = write_270(INQUIRY, ROUTING, 42, WHEN).decode().split("~")
    assert len(lines[0]) == 105
    assert lines == [
        "ISA*00*          *00*          *ZZ*EXAMPLECLINIC  *ZZ*EXAMPLEHOUSE   "
        "*260501*1234*^*00501*000000042*0*P*:",
        "GS*HS*EXAMPLECLINIC*EXAMPLEHOUSE*20260501*1234*42*X*005010X279A1",
        "ST*270*0001*005010X279A1",
        "BHT*0022*13*trace-0001*20260501*1234",
        "HL*1**20*1",
        "NM1*PR*2*Example Health Plan*****PI*EX001",
        "HL*2*1*21*1",
        "NM1*1P*2*Example Therapy LLC*****XX*1234567893",
        "HL*3*2*22*0",
        "TRN*1*trace-0001*9CLEARGATE",
        "NM1*IL*1*Testperson*Ann****MI*TST0001",
        "DMG*D8*19800201",
        "DTP*291*D8*20260504",
        "EQ*PT",
        "EQ*30",
        "SE*14*0001",
        "GE*1*42",
        "IEA*1*000000042",
        "",
    ]


def test_a_dependents_question_has_both_levels_and_no_unknown_sex() -> None:
    child = replace(CHILD, search=frozenset(Detail))
    lines = write_270(child, replace(ROUTING, repeat_services=True), 42, WHEN).decode().split("~")
    assert lines[8:19] == [
        "HL*3*2*22*1",
        "NM1*IL*1*Testperson*Ann****MI*TST0001",
        "REF*6P*GRP01",
        "DMG*D8*19800201*F",
        "HL*4*3*23*0",
        "TRN*1*trace-0001*9CLEARGATE",
        "NM1*03*1*Testperson*Bee",
        "DMG*D8*20150601",
        "INS*N*19",
        "DTP*291*D8*20260504",
        "EQ*PT^30",
    ]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("Müller-Lüdenscheidt", "Muller-Ludenscheidt"),
        ("O'Neil*Test~Person", "O'Neil Test Person"),
        ("Test\r\nperson\t II", "Test person II"),
        ("Großtest", "Grosstest"),
        ("Żółwińska-Đurđevačka", "Zolwinska-Durdevacka"),
        ("Sørensen Þór", "Sorensen THor"),
        ("T" * 80, "T" * 60),
    ],
)
def test_names_are_reduced_to_what_x12_can_carry(name: str, sent: str) -> None:
    inquiry = replace(INQUIRY, patient=replace(INQUIRY.patient, name=Name(name, "Ann")))
    assert reread(write_270(inquiry, ROUTING, 1, WHEN)).segments[8][3] == sent


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"asker": Asker("Example Therapy LLC", "1234567890")}, "NPI"),
        ({"insurance": replace(INQUIRY.insurance, member_id="TST*1")}, "member id"),
        ({"insurance": replace(INQUIRY.insurance, member_id="TSTÉ1")}, "member id"),
        ({"insurance": replace(INQUIRY.insurance, member_id="  ")}, "member id"),
        (
            {
                "insurance": replace(INQUIRY.insurance, group="G~1"),
                "search": frozenset(Detail),
            },
            "group",
        ),
        ({"payer_code": ""}, "payer id"),
        ({"trace": "t" * 51}, "trace"),
        ({"service_types": ()}, "service types"),
        ({"service_types": ("pt",)}, "service type"),
        (
            {"patient": replace(INQUIRY.patient, name=Name("試験", "Ann"))},
            "family name",
        ),
    ],
)
def test_what_cannot_be_sent_as_it_is_is_refused_without_its_value(
    change: dict[str, object], word: str
) -> None:
    inquiry = replace(INQUIRY, **change)  # type: ignore[arg-type]
    with pytest.raises(Refused, match=word) as refused:
        write_270(inquiry, ROUTING, 1, WHEN)
    assert "TST" not in str(refused.value)


@pytest.mark.parametrize("control", [0, 1_000_000_000])
def test_a_control_number_that_does_not_fit_is_refused(control: int) -> None:
    with pytest.raises(Refused, match="control number"):
        write_270(INQUIRY, ROUTING, control, WHEN)


def test_delimiters_that_are_not_four_signs_are_refused() -> None:
    with pytest.raises(Refused, match="delimiters"):
        write_270(INQUIRY, replace(ROUTING, delimiters=Delimiters("*", "*", "^", "~")), 1, WHEN)


@pytest.mark.parametrize(
    ("search", "told"),
    [
        ({Detail.MEMBER_ID, Detail.BIRTH_DATE}, ["NM1*IL*1******MI*TST0001", "DMG*D8*19800201"]),
        ({Detail.MEMBER_ID, Detail.FAMILY_NAME}, ["NM1*IL*1*Testperson*****MI*TST0001"]),
        (
            {Detail.FAMILY_NAME, Detail.GIVEN_NAME, Detail.BIRTH_DATE, Detail.SEX},
            ["NM1*IL*1*Testperson*Ann", "DMG*D8*19800201*F"],
        ),
        (
            {Detail.MEMBER_ID, Detail.FAMILY_NAME, Detail.SEX},
            ["NM1*IL*1*Testperson*****MI*TST0001", "DMG***F"],
        ),
    ],
)
def test_no_more_is_told_than_the_search_names(search: set[Detail], told: list[str]) -> None:
    content = write_270(replace(INQUIRY, search=frozenset(search)), ROUTING, 42, WHEN)
    lines = content.decode().split("~")
    assert lines[10 : lines.index("DTP*291*D8*20260504")] == told
    reread(content)


def test_an_id_that_is_not_told_is_not_refused() -> None:
    bad = replace(INQUIRY.insurance, member_id="TST~1")
    names = frozenset({Detail.FAMILY_NAME, Detail.GIVEN_NAME, Detail.BIRTH_DATE})
    content = write_270(replace(INQUIRY, insurance=bad, search=names), ROUTING, 1, WHEN)
    assert b"TST" not in content


@pytest.mark.parametrize(
    ("wanted", "repeat_services", "asked"),
    [
        (ServiceList.UNSTATED, False, ["EQ*PT", "EQ*30"]),
        (ServiceList.UNSTATED, True, ["EQ*PT^30"]),
        (ServiceList.SEPARATE, True, ["EQ*PT", "EQ*30"]),
        (ServiceList.REPEATED, False, ["EQ*PT^30"]),
        (ServiceList.PLAN, False, ["EQ*30"]),
        (ServiceList.PLAN, True, ["EQ*30"]),
    ],
)
def test_services_are_listed_as_the_payer_wants_them(
    wanted: ServiceList, repeat_services: bool, asked: list[str]
) -> None:
    routing = replace(ROUTING, repeat_services=repeat_services)
    lines = write_270(replace(INQUIRY, service_list=wanted), routing, 1, WHEN).decode().split("~")
    assert [line for line in lines if line.startswith("EQ")] == asked


@pytest.mark.parametrize(("count", "fits"), [(99, True), (100, False)])
def test_ninety_nine_services_fit_into_a_question(count: int, fits: bool) -> None:
    inquiry = replace(INQUIRY, service_types=tuple(str(code) for code in range(count)))
    if fits:
        assert len([s for s in reread(write_270(inquiry, ROUTING, 1, WHEN)).segments]) == 12 + 99
    else:
        with pytest.raises(Refused, match="99 service types"):
            write_270(inquiry, ROUTING, 1, WHEN)


@pytest.mark.parametrize(
    ("relationship", "code"),
    [(Relationship.SPOUSE, "01"), (Relationship.CHILD, "19"), (Relationship.OTHER, "34")],
)
def test_a_dependent_s_relationship_has_its_code(relationship: Relationship, code: str) -> None:
    child = replace(CHILD, insurance=replace(CHILD.insurance, relationship=relationship))
    assert ["INS", "N", code] in reread(write_270(child, ROUTING, 1, WHEN)).segments
