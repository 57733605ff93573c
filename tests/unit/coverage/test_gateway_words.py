"""A clearinghouse's page or text where an answer should be: known messages, and nothing else."""

import pytest

from cleargate.coverage.origins import gateway_words
from cleargate.coverage.reading import read_answers
from cleargate.eligibility.answer import is_broken, is_worth_asking_again, read_raw
from cleargate.nouns.coverage import Reason, ReasonKind, Source, Verdict
from cleargate.nouns.eligibility import ContentKind, RawAnswer
from tests.unit.coverage.answers import ACTIVE_PLAN, SERVICES, document, encoded
from tests.unit.coverage.xml_answers import ON

LATER, ENROLMENT = ReasonKind.ASK_AGAIN_LATER, ReasonKind.ENROLMENT
PERSON = ReasonKind.FOR_A_PERSON
PROXY = (
    "<!DOCTYPE html><html><head><title>Service temporarily limited</title>"
    "<script>setTimeout(invalid, 'Authentication Failure')</script></head>"
    "<body><h1>We'll be right back</h1><p>Reference 18.2f4c1b73</p></body></html>"
)


def page(words: str) -> str:
    return f"<html><head><title>Eligibility</title></head><body><p>{words}</p></body></html>"


def only(text: str) -> Reason:
    reading = read_answers(text.encode(), SERVICES, ON)
    assert [finding.code for finding in reading.diagnostics] == ["gateway_words"]
    [coverage] = reading.coverages
    assert {each.verdict for each in coverage.services} == {Verdict.UNDETERMINED}
    [reason] = coverage.reasons
    return reason


@pytest.mark.parametrize("shape", [page, str, str.upper])
@pytest.mark.parametrize(
    ("words", "code", "kind", "field"),
    [
        ("Authentication Failure", "SignIn", ENROLMENT, ""),
        ("'Data' is not valid. Please review the X12/Simple File", "DataInvalid", PERSON, ""),
        ("Payer AETNA (60054) is not setup for eligibility.", "PayerNotSupported", ENROLMENT,
         "payer"),
        ("This account is not set up for Eligibility", "NotEnrolled", ENROLMENT, ""),
        ("The system encountered a processing error. The error was: X", "Later", LATER, ""),
        ("Payer timeout", "Timeout", LATER, ""),
        ("The request timed out.", "Timeout", LATER, ""),
        ("The service is unavailable.", "Later", LATER, ""),
    ],
)  # fmt: skip
def test_a_known_message_says_what_to_do(shape, words, code, kind, field) -> None:
    reason = only(shape(words))
    assert (reason.code, reason.kind, reason.field) == (f"Gateway:{code}", kind, field)
    assert reason.sources == (Source(0, "text"),)
    assert reason.tip


def test_the_surest_message_of_a_page_counts_and_scripts_say_nothing() -> None:
    assert only(PROXY).code == "Gateway:Later"
    both = page("Please try again.</p><p>Authentication Failure")
    assert only(both).text.endswith(": Authentication Failure")


def test_its_words_are_shown_without_what_may_be_an_id_or_a_date() -> None:
    words = "Payer timeout for W123456789, born 02/20/1987 (ref 18.2f4c1b73) on route 7"
    reason = only(page(words + " and so on" * 50))
    assert "for ... born ... (ref ... on route 7" in reason.text
    for value in ("W123456789", "1987", "2f4c1b73"):
        assert value not in reason.text
    assert len(reason.text) < 300


def test_character_references_and_tags_are_no_disguise() -> None:
    assert only(page("Payer&nbsp;time&#111;ut")).code == "Gateway:Timeout"


@pytest.mark.parametrize(
    "text",
    [
        page("Welcome"),
        "<html>",
        "<other>timeout</other>" + " " * 1000,
        "word " * 500 + "timeout",
        "HELLO",
        "",
    ],
)
def test_any_other_page_stays_unreadable_with_a_plain_finding(text: str) -> None:
    reading = read_answers(text.encode(), SERVICES, ON)
    assert reading.coverages == ()
    assert "not_x12" in {finding.code for finding in reading.diagnostics}
    [reason] = read_raw(RawAnswer(text.encode(), ContentKind.TEXT), "Aetna", SERVICES, ON).reasons
    assert reason.code == "unreadable_answer"


def test_an_answer_on_a_page_is_still_the_answer() -> None:
    content = b"<html><body><p>Payer timeout</p>\n" + encoded(document(f"{ACTIVE_PLAN}\nEB*1**PT"))
    assert not gateway_words.recognises(content)
    [coverage] = read_answers(content, SERVICES, ON).coverages
    assert coverage.verdict is Verdict.ACTIVE


@pytest.mark.parametrize(
    ("text", "again", "broken"),
    [
        (PROXY, True, True),
        (page("Payer timeout"), True, True),
        (page("'Data' is not valid."), False, False),
        (page("Welcome"), True, True),
    ],
)
def test_a_page_may_have_been_paid_for_and_is_asked_again_only_where_that_is_free(
    text: str, again: bool, broken: bool
) -> None:
    coverage = read_raw(RawAnswer(text.encode(), ContentKind.TEXT), "Aetna", SERVICES, ON)
    assert (is_worth_asking_again(coverage), is_broken(coverage)) == (again, broken)


@pytest.mark.parametrize(
    "content",
    [
        b"<html>" + b"<script>" * 20_000 + b"timeout",
        b"<html>" + b"<" * 20_000 + b"timeout",
        b"<html>payer " + b"not " * 4000,
        b"<html>\xff\xfe\x00 timeout",
        "<html>timeout</html>".encode("utf-16"),
        b"<html><p>timeout" + b"\x00" * 500,
        b"<html><p>timeout " + b"a1b2" + b"a" * 16_000,
    ],
)
def test_no_page_raises_or_hangs(content: bytes) -> None:
    reading = read_answers(content, SERVICES, ON)
    assert reading.diagnostics
    assert len(reading.coverages) <= 1
