"""The question that we write is the question that was meant."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleargate.nouns.eligibility import Asker, Inquiry
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
        "REF*6P*GRP01",
        "DMG*D8*19800201*F",
        "DTP*291*D8*20260504",
        "EQ*PT",
        "EQ*30",
        "SE*15*0001",
        "GE*1*42",
        "IEA*1*000000042",
        "",
    ]


def test_a_dependents_question_has_both_levels_and_no_unknown_sex() -> None:
    lines = write_270(CHILD, replace(ROUTING, repeat_services=True), 42, WHEN).decode().split("~")
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
        ({"insurance": replace(INQUIRY.insurance, group="G~1")}, "group"),
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


NAMES = st.builds(lambda head, tail: f"{head}{tail}", st.sampled_from("AZb"), st.text(max_size=70))
IDS = st.text("ABCxyz0189- ./", min_size=1, max_size=40).filter(str.strip)
DELIMITERS = st.permutations("*:^~|}>!#\x1d").map(lambda signs: Delimiters(*signs[:4]))


@settings(max_examples=150, deadline=None)
@given(
    family=NAMES,
    given_name=st.one_of(st.just(""), NAMES),
    member_id=IDS,
    group=st.one_of(st.just(""), IDS),
    sex=st.sampled_from(Sex),
    birth_date=st.dates(date(1900, 1, 1), date(2026, 1, 1)),
    dependent=st.booleans(),
    services=st.lists(st.sampled_from(["PT", "30", "98", "AE", "1"]), min_size=1, unique=True),
    repeat=st.booleans(),
    delimiters=DELIMITERS,
)
def test_what_we_write_reads_back_as_what_was_meant(
    family: str,
    given_name: str,
    member_id: str,
    group: str,
    sex: Sex,
    birth_date: date,
    dependent: bool,
    services: list[str],
    repeat: bool,
    delimiters: Delimiters,
) -> None:
    patient = Patient(Name(family, given_name), birth_date, sex, Contact())
    subscriber = Subscriber(Name("Sample", "Dee"), date(1970, 1, 1)) if dependent else None
    inquiry = replace(
        INQUIRY,
        patient=patient,
        insurance=replace(
            INQUIRY.insurance, member_id=member_id, group=group, subscriber=subscriber
        ),
        service_types=tuple(services),
    )
    routing = replace(ROUTING, repeat_services=repeat, delimiters=delimiters)
    found = reread(write_270(inquiry, routing, 7, WHEN))
    assert found.delimiters == delimiters
    tags: dict[str, list[list[str]]] = {}
    for segment in found.segments:
        tags.setdefault(segment[0], []).append(segment)
    [*_, person] = tags["NM1"]
    assert person[1] == ("03" if dependent else "IL")
    assert person[3][0] == family[0]
    holder = next(nm1 for nm1 in tags["NM1"] if nm1[1] == "IL")
    assert holder[9] == member_id.strip()
    assert ("REF" in tags) == bool(group)
    demographics = tags["DMG"][-1]
    assert demographics[2] == f"{birth_date:%Y%m%d}"
    assert demographics[3:] == {Sex.FEMALE: ["F"], Sex.MALE: ["M"], Sex.UNKNOWN: []}[sex]
    asked = [code for eq in tags["EQ"] for code in eq[1].split(delimiters.repetition)]
    assert asked == services
    assert len(tags["HL"]) == (4 if dependent else 3)
