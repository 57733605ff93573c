"""AAA at every level, alone and beside benefits, and acknowledgements in place of answers."""

import tomllib
from importlib import resources

import pytest

from cleargate.coverage.reading import read_answers
from cleargate.nouns.coverage import ReasonKind, Verdict
from tests.unit.coverage.answers import (
    ACTIVE_PLAN,
    ON,
    SERVICES,
    codes,
    coverage_of,
    document,
    encoded,
    service,
)

PT = f"{ACTIVE_PLAN}\nEB*1**PT"


@pytest.mark.parametrize(
    ("code", "kind", "field"),
    [
        ("42", ReasonKind.ASK_AGAIN_LATER, ""),
        ("80", ReasonKind.ASK_AGAIN_LATER, ""),
        ("15", ReasonKind.DATA_WRONG, "member_id"),
        ("58", ReasonKind.DATA_WRONG, "birth_date"),
        ("71", ReasonKind.DATA_WRONG, "birth_date"),
        ("72", ReasonKind.DATA_WRONG, "member_id"),
        ("73", ReasonKind.DATA_WRONG, "name"),
        ("78", ReasonKind.DATA_WRONG, "group"),
        ("41", ReasonKind.ENROLMENT, ""),
        ("43", ReasonKind.ENROLMENT, ""),
        ("79", ReasonKind.ENROLMENT, ""),
    ],
)
def test_a_refusal_about_the_patient_says_what_to_mend(
    code: str, kind: ReasonKind, field: str
) -> None:
    text = document("", patient=f"AAA*N**{code}*C", background="")
    [coverage] = read_answers(encoded(text), SERVICES, ON).coverages
    assert {verdict.verdict for verdict in coverage.services} == {Verdict.UNDETERMINED}
    [reason] = coverage.reasons
    assert (reason.code, reason.kind, reason.field) == (f"AAA:{code}", kind, field)
    assert reason.text.endswith("(the payer asks to correct it and send it again)")
    assert reason.sources[0].element == "AAA03"


def test_a_refusal_that_stands_before_the_birth_date_is_found() -> None:
    text = document("", background="").replace("REF*6P", "AAA*N**72*C\nREF*6P")
    [coverage] = read_answers(encoded(text), SERVICES, ON).coverages
    assert codes(coverage) == {"AAA:72"}


def test_a_refusal_of_the_provider_reaches_every_patient_below() -> None:
    coverage = coverage_of(PT, provider="AAA*Y**43*C")
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    assert "AAA:43" in codes(coverage)


def test_a_refusal_of_the_provider_without_any_patient_is_one_undetermined_coverage() -> None:
    text = document("", provider="AAA*Y**50*N", background="")
    lines = [
        line
        for line in text.splitlines()
        if not line.startswith(("HL*3", "TRN", "NM1*IL", "REF", "N3", "N4", "DMG", "INS", "DTP"))
    ]
    reading = read_answers(encoded("\n".join(lines)), SERVICES, ON)
    [coverage] = reading.coverages
    assert coverage.payer == "EXAMPLE HEALTH PLAN"
    assert coverage.verdict is Verdict.UNDETERMINED
    assert codes(coverage) == {"AAA:50"}


def test_a_refusal_of_the_payer_is_found_at_its_level() -> None:
    text = document("", background="").replace("PER*IC*PROVIDER", "AAA*Y**42*P\nPER*IC*PROVIDER")
    [coverage] = read_answers(encoded(text), SERVICES, ON).coverages
    assert codes(coverage) == {"AAA:42"}


def test_a_refusal_beside_active_rows_is_unclear_with_both_told() -> None:
    coverage = coverage_of(PT, patient="AAA*N**71*C")
    assert coverage.verdict is Verdict.ACTIVE_UNCLEAR
    assert service(coverage).sources
    assert service(coverage).reasons[0].code == "AAA:71"


def test_a_refusal_beside_a_disclaimer_only_stays_undetermined() -> None:
    text = document("EB*P\nMSG*BENEFIT DISCLAIMER", patient="AAA*N**75*C", background="")
    [coverage] = read_answers(encoded(text), SERVICES, ON).coverages
    assert coverage.verdict is Verdict.UNDETERMINED
    assert codes(coverage) == {"AAA:75"}


def test_a_refusal_below_a_benefit_row_reaches_that_rows_services_only() -> None:
    coverage = coverage_of(f"{PT}\nEB*1**98\nAAA*N**53*N")
    assert coverage.verdict is Verdict.ACTIVE
    assert service(coverage, "98").verdict is Verdict.ACTIVE_UNCLEAR


def test_an_unknown_code_is_told_as_it_is() -> None:
    coverage = coverage_of(PT, patient="AAA*N**QQ*C")
    assert "AAA:QQ" in codes(coverage)


def test_every_reason_on_file_has_words_and_a_tip_that_end_as_sentences_do() -> None:
    tables = tomllib.loads(
        resources.files("cleargate.coverage").joinpath("reasons.toml").read_text("utf-8")
    )
    for entry in [*tables["aaa"].values(), *tables["own"].values()]:
        assert entry["text"]
        assert not entry["text"].endswith(".")
        assert entry["tip"].endswith(".")
        ReasonKind(entry.get("kind", "for_a_person"))


def acknowledgement(*body: str, code: str = "FA") -> bytes:
    header = (
        "ISA*00*          *00*          *ZZ*EXAMPLEPAYER   *ZZ*EXAMPLECLINIC  "
        "*260501*1200*^*00501*000000007*0*T*:"
    )
    group = [f"GS*{code}*P*C*20260501*1200*7*X*005010X231A1", *body, "GE*1*7"] if body else []
    return ("~".join([header, *group, "IEA*1*000000007"]) + "~").encode()


def test_a_999_that_rejects_is_undetermined_and_says_where() -> None:
    content = acknowledgement(
        "ST*999*0001*005010X231A1",
        "AK1*HS*7*005010X279A1",
        "AK2*270*0001*005010X279A1",
        "IK3*NM1*9*2100*8",
        "IK4*9*67*7*TST0001",
        "IK5*R*5",
        "AK9*R*1*1*0",
        "SE*8*0001",
    )
    reading = read_answers(content, SERVICES, ON)
    [coverage] = reading.coverages
    assert coverage.verdict is Verdict.UNDETERMINED
    [reason] = coverage.reasons
    assert reason.code == "acknowledgement_rejected"
    assert "IK403:7@NM109" in reason.text
    assert "TST0001" not in repr(reading)


def test_a_999_that_accepts_is_no_answer_yet() -> None:
    content = acknowledgement("ST*999*0001*005010X231A1", "AK1*HS*7", "AK9*A*1*1*1", "SE*4*0001")
    [coverage] = read_answers(content, SERVICES, ON).coverages
    assert coverage.reasons[0].kind is ReasonKind.ASK_AGAIN_LATER


def test_a_ta1_that_rejects_is_undetermined_and_one_that_accepts_is_no_coverage() -> None:
    header, _, trailer = acknowledgement().decode().partition("IEA")
    for status, expected in (("R", 1), ("A", 0)):
        content = f"{header}TA1*000000007*260501*1200*{status}*006~IEA{trailer}".encode()
        reading = read_answers(content, SERVICES, ON)
        assert len(reading.coverages) == expected
