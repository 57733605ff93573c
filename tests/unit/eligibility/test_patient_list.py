"""Reading lists of patients: tolerant of their form, never of doubt, and silent about values."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleargate.directory.payers import Payer, PayerDirectory
from cleargate.eligibility.patient_list import PatientList, faults_of, read_list
from cleargate.eligibility.patient_row import Asking
from cleargate.nouns.errors import Refused
from cleargate.nouns.insurance import Relationship

TODAY = date(2030, 1, 7)
PAYERS = PayerDirectory(
    [Payer("sample-payer", "Sample Payer", ("SP",), code="EX001"), Payer("other", "Other Health")]
)
ASKING = Asking(PAYERS, on=date(2030, 1, 9), today=TODAY)
HEADER = "Payer,Member ID,First name,Last name,DOB"
GOOD = "Sample Payer,MEMBER0001,Toni,Testperson,02/28/1990"


def read(*lines: str) -> PatientList:
    return read_list("\r\n".join(lines).encode(), ASKING)


def faults(*lines: str) -> list[tuple[int, str]]:
    return list(faults_of(read(*lines)))


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_list_is_read_whatever_its_delimiter_and_mark(mark: str, delimiter: str) -> None:
    text = mark + "\n".join([HEADER, GOOD]).replace(",", delimiter)
    found = read_list(text.encode(), ASKING)
    assert found.delimiter == delimiter
    [row] = found.rows
    assert row.number == 2
    assert row.request is not None
    assert row.request.patient.birth_date == date(1990, 2, 28)
    assert row.request.insurances[0].payer_id == "sample-payer"
    assert row.request.earliest == ASKING.on


def test_columns_stand_in_any_order_under_the_names_that_people_give_them() -> None:
    header = "date_of_birth;LAST;Given Name;SubscriberID;Insurance Company;Visit Date;Remarks"
    [row] = read(header, "1990-02-28;Testperson;Toni;MEMBER 0001;sp;1/20/2030;call first").rows
    assert row.request is not None
    assert row.request.insurances[0].member_id == "MEMBER0001"
    assert row.request.earliest == date(2030, 1, 20)
    assert row.request.patient.name.family == "Testperson"


def test_a_payer_goes_by_its_name_our_id_or_its_code() -> None:
    rows = [GOOD.replace("Sample Payer", payer) for payer in ("sample-payer", "EX001", "SP")]
    ids = {row.request and row.request.insurances[0].payer_id for row in read(HEADER, *rows).rows}
    assert ids == {"sample-payer"}


def test_a_payer_that_nobody_knows_is_answered_with_the_nearest() -> None:
    [(number, said)] = faults(HEADER, GOOD.replace("Sample Payer", "Sampel Payr"))
    assert number == 2
    assert said == "column payer: no payer goes by this name; perhaps Sample Payer"


def test_bad_rows_are_named_and_the_good_ones_go_on() -> None:
    found = read(HEADER, GOOD, GOOD.replace("02/28/1990", "1990"), "", GOOD.replace("Toni", ""))
    assert [row.number for row in found.rows] == [2, 3, 5]
    assert [row.request is not None for row in found.rows] == [True, False, False]
    assert list(faults_of(found)) == [
        (3, "column birth_date: write a date as MM/DD/YYYY or YYYY-MM-DD"),
        (5, "column first_name: it is empty"),
    ]


@pytest.mark.parametrize(
    "written", ["2/28/90", "28.02.1990", "Feb 28 1990", "02/30/1990", "1990-02-28 10:30", "32932"]
)
def test_a_date_that_is_none_or_may_be_two_is_never_guessed(written: str) -> None:
    [(_, said)] = faults(HEADER, GOOD.replace("02/28/1990", written))
    assert said.startswith("column birth_date: ")
    assert written not in said


@pytest.mark.parametrize(
    "written", ["2/28/1990", "02-28-1990", "1990-02-28", "1990-02-28 00:00:00"]
)
def test_american_and_iso_dates_are_read(written: str) -> None:
    [row] = read(HEADER, GOOD.replace("02/28/1990", written)).rows
    assert row.request is not None
    assert row.request.patient.birth_date == date(1990, 2, 28)


def test_one_date_with_the_day_first_puts_those_in_doubt_that_may_be_two() -> None:
    """03/04/1980 looks American, but not beside 28/02/1990."""
    written = ["28/02/1990", "03/04/1980", "1980-04-03", "04/28/1980", "03/03/1980"]
    found = read(HEADER, *(GOOD.replace("02/28/1990", each) for each in written))
    assert [row.request is not None for row in found.rows] == [False, False, True, True, True]
    assert "begin with the day" in found.rows[1].faults[0].way_out


def test_a_date_that_is_none_at_all_puts_no_other_in_doubt() -> None:
    found = read(HEADER, GOOD.replace("02/28", "13/13"), GOOD.replace("02/28", "03/04"))
    assert [row.request is not None for row in found.rows] == [False, True]


def test_a_date_that_cannot_be_a_birth_or_a_visit_is_refused() -> None:
    assert "must lie between" in faults(HEADER, GOOD.replace("1990", "2031"))[0][1]
    assert "must lie between" in faults(HEADER + ",Date", GOOD + ",01/01/2040")[0][1]


def test_a_member_id_that_a_spreadsheet_has_rounded_is_told_apart() -> None:
    [(_, said)] = faults(HEADER, GOOD.replace("MEMBER0001", "9.12E+11"))
    assert "rounded" in said


def test_a_dependent_needs_the_holder() -> None:
    header = HEADER + ",Relationship,Subscriber First Name,Subscriber Last Name,Subscriber DOB"
    [row] = read(header, GOOD + ",child,Robin,Testperson,05/04/1960").rows
    assert row.request is not None
    policy = row.request.insurances[0]
    assert policy.relationship is Relationship.CHILD
    assert policy.subscriber is not None
    assert policy.subscriber.birth_date == date(1960, 5, 4)
    missing = [said for _, said in faults(header, GOOD + ",spouse,Robin,,")]
    assert missing == [
        "column holder_birth_date: it is empty",
        "column holder_last_name: it is empty",
    ]
    doubtful = [said for _, said in faults(header, GOOD + ",,Robin,Testperson,05/04/1960")]
    assert doubtful == [
        "column relationship: the row names a policy holder: write spouse, child or other"
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b'"', "quotation marks"),
        (b"\xff\xfeP\x00a\x00", "not UTF-8"),
        (b"PK\x03\x04\x00\x00", "not a CSV file"),
        (b"Toni,Testperson,MEMBER0001\n", "lacks payer, member_id"),
        (b"payer,insurance,member id,first,last,dob\n", "Two columns"),
    ],
)
def test_what_is_no_list_is_refused_without_a_word_of_it(content: bytes, said: str) -> None:
    with pytest.raises(Refused, match=said) as raised:
        read_list(content, ASKING)
    assert "Testperson" not in str(raised.value)


def test_behind_an_open_quotation_mark_nothing_is_read() -> None:
    found = read(HEADER, GOOD, '"' + GOOD, GOOD)
    assert [row.request is not None for row in found.rows] == [True, False]
    assert "quotation mark" in found.rows[1].faults[0].way_out


def test_empty_cells_at_a_rows_end_do_not_count_and_others_do() -> None:
    assert faults(HEADER, GOOD + ",,,") == []
    assert faults(HEADER, GOOD + ",more") == [(2, "it has 6 cells, the first row 5")]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_a_strangers_bytes_never_break_it(content: bytes) -> None:
    """They are refused in one sentence, or each row is a question or says what is wrong with it."""
    try:
        found = read_list(content, ASKING)
    except Refused as refused:
        assert str(refused)
        return
    assert all(row.request is not None or row.faults for row in found.rows)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=12))
def test_a_strangers_rows_never_break_it_and_are_never_quoted(lines: list[str]) -> None:
    try:
        found = read_list("\n".join([HEADER, GOOD, *lines]).encode(), ASKING)
    except (Refused, UnicodeEncodeError):
        return
    said = " ".join(each for _, each in faults_of(found))
    assert "Testperson" not in said
