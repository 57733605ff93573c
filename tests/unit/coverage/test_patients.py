"""Whom an answer is about: subscriber, dependent, and the wrong level."""

from datetime import date

from cleargate.coverage.reading import read_answers, read_parts
from cleargate.nouns.coverage import Verdict
from cleargate.x12.tokenizer import chunked
from tests.unit.coverage.answers import ACTIVE_PLAN, ON, SERVICES, document, encoded

DEPENDENT = """\
HL*4*3*23*0
TRN*2*TRACE0002*9CLEARGATE
NM1*03*1*TESTPERSON*BEE
DMG*D8*20150601*M
INS*N*19
EB*1**30^PT*PR*EXAMPLE PPO 500"""


def test_a_dependent_is_the_patient_and_has_the_subscribers_id_and_dates() -> None:
    text = document(DEPENDENT).replace("HL*3*2*22*0", "HL*3*2*22*1")
    [coverage] = read_answers(encoded(text), SERVICES, ON).coverages
    assert (coverage.given_name, coverage.birth_date) == ("BEE", date(2015, 6, 1))
    assert (coverage.member_id, coverage.trace) == ("TST0001", "TRACE0002")
    assert coverage.begins == date(2026, 1, 1)
    assert coverage.verdict is Verdict.ACTIVE


def test_a_subscriber_who_is_said_to_have_a_child_level_and_has_none_is_the_patient() -> None:
    text = document(f"{ACTIVE_PLAN}\nEB*1**PT").replace("HL*3*2*22*0", "HL*3*2*22*1")
    [coverage] = read_answers(encoded(text), SERVICES, ON).coverages
    assert (coverage.given_name, coverage.verdict) == ("ANN", Verdict.ACTIVE)


def test_benefits_at_both_levels_are_two_patients() -> None:
    text = document(f"EB*6**30\n{DEPENDENT}")
    coverages = read_answers(encoded(text), SERVICES, ON).coverages
    assert [(c.given_name, c.verdict) for c in coverages] == [
        ("ANN", Verdict.INACTIVE),
        ("BEE", Verdict.ACTIVE),
    ]


def test_a_dependent_whose_parent_is_wrong_hangs_under_the_last_subscriber() -> None:
    text = document(DEPENDENT).replace("HL*4*3*23*0", "HL*4*9*23*0")
    reading = read_answers(encoded(text), SERVICES, ON)
    assert [c.member_id for c in reading.coverages] == ["TST0001"]
    assert [finding.code for finding in reading.diagnostics] == ["hl_parent"]


def test_two_payers_in_one_set_do_not_mix() -> None:
    second = (
        "HL*4**20*1\nNM1*PR*2*SECOND HEALTH PLAN*****PI*EX002\nHL*5*4*21*1\n"
        "NM1*1P*2*EXAMPLE THERAPY LLC*****XX*1234567893\nHL*6*5*22*0\n"
        "NM1*IL*1*SAMPLE*CEE****MI*TST0009\nEB*1**PT"
    )
    coverages = read_answers(encoded(document(f"EB*6**30\n{second}")), SERVICES, ON).coverages
    assert [(c.payer, c.family_name, c.verdict) for c in coverages] == [
        ("EXAMPLE HEALTH PLAN", "TESTPERSON", Verdict.INACTIVE),
        ("SECOND HEALTH PLAN", "SAMPLE", Verdict.ACTIVE),
    ]


def test_every_set_of_a_file_is_read_and_numbered() -> None:
    one = encoded(document(f"{ACTIVE_PLAN}\nEB*1**PT"))
    two = encoded(document("EB*6**30").replace("*", "|").replace("^", "}")).replace(b"~", b"!")
    readings = list(read_parts(chunked(one + two), SERVICES, ON))
    assert [(c.set_index, c.verdict) for r in readings for c in r.coverages] == [
        (1, Verdict.ACTIVE),
        (2, Verdict.INACTIVE),
    ]


def test_the_answer_does_not_depend_on_delimiters_or_line_ends() -> None:
    text = document(f"{ACTIVE_PLAN}\nEB*1**98^PT")
    expected = read_answers(encoded(text), SERVICES, ON)
    waystar = text.replace("*", "|").replace("^", "}")
    for content in (
        "~".join(text.splitlines()) + "~",
        "\r\n".join(text.splitlines()) + "\r\n",
        "\n".join(text.splitlines()),
        " ~\r\n".join(text.splitlines()) + " ~\r\n",
        "~\n".join(waystar.splitlines()) + "~\n",
    ):
        assert read_answers(content.encode(), SERVICES, ON).coverages == expected.coverages


def test_a_4010_answer_is_read_with_its_u_as_no_repetition_mark() -> None:
    text = document("EB*1**30\nEB*1**PT", background="EB*B*IND*UC***27*60")
    text = text.replace("*^*00501*", "*U*00401*").replace("*005010X279A1", "*004010X092A1")
    text = text.replace("ST*271*0001*004010X092A1", "ST*271*0001")
    reading = read_answers(encoded(text), SERVICES, ON)
    assert reading.diagnostics == ()
    assert reading.coverages[0].verdict is Verdict.ACTIVE
