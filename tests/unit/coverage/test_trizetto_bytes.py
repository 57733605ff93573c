"""TriZetto's XML that is cut off, hostile, or of another encoding: findings, and no exception."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleargate.coverage.reading import read_answers
from cleargate.nouns.coverage import Verdict
from tests.unit.coverage.xml_answers import (
    ON,
    PT,
    SERVICES,
    benefit,
    document,
    envelope,
    failure,
    read,
)

UNDETERMINED = Verdict.UNDETERMINED
SPOUSE = f"<dependent><patientname><first>BEE</first></patientname>{PT}</dependent>"


def test_an_answer_that_breaks_off_is_undetermined_and_asked_again() -> None:
    text = document(f"{PT}\n{benefit('Co-Payment', 'PT', amount='20')}")
    reading = read(text[: text.index("<benefitamount>") + 16])
    [coverage] = reading.coverages
    assert {verdict.verdict for verdict in coverage.services} == {UNDETERMINED}
    assert coverage.reasons[0].code == "answer_cut_off"
    assert (coverage.given_name, coverage.amounts) == ("ANN", ())
    assert [str(finding) for finding in reading.diagnostics] == [
        "error: file: The XML is malformed, or breaks off, on line 11. [xml_broken]"
    ]


def test_an_answer_that_breaks_off_before_the_patient_is_a_finding_only() -> None:
    text = document(PT)
    reading = read(text[: text.index("<subscriber>")])
    assert reading.coverages == ()
    assert [finding.code for finding in reading.diagnostics] == ["xml_broken"]


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {new} "{f"&{old};" * 10}">'
        for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]><eligibilityresponse><infosource>&i;</infosource></eligibilityresponse>"
)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (BOMB.encode(), "xml_dtd"),
        (BOMB.encode("utf-16"), "xml_dtd"),
        (
            b'<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
            b"<eligibilityresponse>&x;</eligibilityresponse>",
            "xml_dtd",
        ),
        (b"<eligibilityresponse>&undefined;</eligibilityresponse>", "xml_broken"),
        (b"<eligibilityresponse>" + b"<" * 1_000_000, "xml_broken"),
        (b"<eligibilityresponse>" + b"x" * 15_000_000, "xml_broken"),
        (b"<eligibilityresponse>" + b"<a>" * 2_000_000, "too_large"),
        (b"<eligibilityresponse>" + b"<a/>" * 2_000_000, "too_large"),
        (b"<eligibilityresponse>" + b"<benefit><info>1</info></benefit>" * 90_000, "too_large"),
        (b"<eligibilityresponse " + b"".join(b'a%d="" ' % n for n in range(300_000)), "xml_broken"),
        (b"<eligibilityresponse>\x00</eligibilityresponse>", "xml_broken"),
        (b"<eligibilityresponse>" + b" " * 17_000_000, "too_large"),
        (
            b"<eligibilityresponse><subscriber>"
            + b"<rejection><rejectreason>x</rejectreason></rejection>" * 9_000
            + b"<dependent><benefit/></dependent>" * 9_000
            + b"</subscriber></eligibilityresponse>",
            "too_many_patients",
        ),
    ],
    ids=range(13),
)
def test_hostile_documents_are_a_finding(content: bytes, code: str) -> None:
    reading = read_answers(content, SERVICES, ON)
    assert code in {finding.code for finding in reading.diagnostics}
    assert all(coverage.verdict is UNDETERMINED for coverage in reading.coverages)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings_are_told_by_their_bytes(encoding: str) -> None:
    text = document(PT).replace("ANN", "ANÑ").replace('"1.0"', '"1.0" encoding="shift_jis"')
    reading = read_answers(text.encode(encoding), SERVICES, ON)
    assert reading.diagnostics == ()
    assert reading.coverages[0].given_name == "ANÑ"


def test_bytes_of_another_encoding_are_read_as_latin_1_with_a_finding() -> None:
    text = document(PT).replace("ANN", "ANÑ").encode("latin-1")
    reading = read_answers(text, SERVICES, ON)
    assert reading.coverages[0].given_name == "ANÑ"
    assert [str(finding) for finding in reading.diagnostics] == [
        "warning: file: The XML has bytes of another encoding on line 8. [encoding]"
    ]


SEEDS = [
    document(
        f"{PT}{benefit('Limitations', 'PT', kind='Visits', quantity='40', message='x')}"
    ).encode(),
    envelope("Success", inside=document(PT, after=SPOUSE)).encode(),
    envelope("ValidationFailure", failures=failure("Please enter InsuranceNum.", "NPI")).encode(),
]
FRAGMENTS = [
    b"", b"<", b">", b"&", b"&lt;", b"]]>", b"<![CDATA[", b"<!--", b"<?", b"\x00", b"\xff\xfe",
    b"<subscriber>", b"</subscriber>", b"<dependent>", b"<benefit>", b"</benefit>", b"<rejection/>",
    b"<date/>", b"<info>\xc2\xb2</info>", b"<benefitquantity>9</benefitquantity>", b"\xc3\x28",
    b"<date-of-service>20260230</date-of-service>", b"<SuccessCode/>", b"<Failures><x/></Failures>",
    b"<benefitamount>" + b"9" * 400 + b"</benefitamount>", b"<percent>.</percent>",
]  # fmt: skip


@settings(max_examples=600, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.lists(
        st.tuples(st.integers(0, 12000), st.integers(0, 60), st.sampled_from(FRAGMENTS)), max_size=5
    ),
    st.integers(0, 14000),
)
def test_no_edit_of_an_answer_raises(seed: bytes, edits: list, length: int) -> None:
    content = seed
    for at, cut, fragment in edits:
        content = content[:at] + fragment + content[at + cut :]
    reading = read_answers(content[: max(length, 1)], ("PT", "30"), ON)
    assert reading.coverages or reading.diagnostics


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_behind_a_beginning_raise(content: bytes) -> None:
    reading = read_answers(b"<eligibilityresponse>" + content, ("PT",), ON)
    assert reading.diagnostics


def test_several_documents_in_one_are_a_finding() -> None:
    one = document(PT).removeprefix('<?xml version="1.0"?>')
    reading = read(f"<wrapper>{one}{one}</wrapper>")
    assert [finding.code for finding in reading.diagnostics] == ["several_documents"]
    assert len(reading.coverages) == 1
