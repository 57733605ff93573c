"""Payers' own ways: each rule settles its case for its payer, and for nobody else."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleargate.coverage.payers.files import all_rules
from cleargate.coverage.payers.judged import rules_for
from cleargate.coverage.payers.spelling import plain
from cleargate.coverage.reading import read_answers
from cleargate.directory.payers import load_directory
from cleargate.nouns.coverage import AmountKind, Coverage, Network, Person, Source, Verdict
from tests.unit.coverage.answers import (
    ACTIVE_PLAN,
    ON,
    SERVICES,
    amounts,
    codes,
    coverage_of,
    document,
    encoded,
    segment_of,
    service,
)

PT = f"{ACTIVE_PLAN}\nEB*1**PT"
UHC, TUFTS, AETNA = "UNITEDHEALTHCARE", "TUFTS HEALTH PLAN", "AETNA INC"
HARVARD, BLUE = "HARVARD PILGRIM HEALTH CARE", "BLUE CROSS BLUE SHIELD OF MASSACHUSETTS"
NEW_YORK = "NYSDOH"
UNCLEAR = Verdict.ACTIVE_UNCLEAR


def settled(coverage: Coverage) -> list[str]:
    """The kinds of rules that settled something."""
    return [one.rule for one in coverage.settled]


def strict(rows: str) -> Coverage:
    """The same answer from a payer of whom nothing is known."""
    coverage = coverage_of(rows)
    assert (coverage.payer_rules, coverage.settled) == ("", ())
    return coverage


def same_but_for_the_name(one: Coverage, other: Coverage) -> bool:
    """Whether two payers' answers are read alike."""
    return replace(one, payer=other.payer, payer_rules="") == other


# 10: the scale of percents


def test_a_share_of_one_out_of_network_is_the_whole_price_with_unitedhealthcare() -> None:
    rows = f"{PT}\nEB*A*IND*PT***27**1****N\nEB*A*IND*PT***27**.2****Y"
    coverage = coverage_of(rows, payer=UHC)
    [_, out] = sorted(amounts(coverage, AmountKind.COINSURANCE, "PT"), key=lambda a: a.network)
    assert (out.percent, out.network) == (Decimal(100), Network.OUT)
    assert coverage.verdict is Verdict.ACTIVE
    assert codes(coverage) == {"patient_pays_all"}
    [one] = coverage.settled
    assert one.sources == (Source(segment_of(rows, "EB*A*IND*PT***27**1"), "EB08"),)
    assert (one.rule, one.file) == ("percent_scale", "unitedhealthcare.toml")
    assert "row 10" in one.origin
    assert "percent_scale" in codes(strict(rows))


@pytest.mark.parametrize(
    "row",
    [
        "EB*A*IND*PT***27**1****Y",
        "EB*A*IND*PT***27**1****W",
        "EB*A*IND*PT***27**1",
        "EB*A*IND*PT***27**1****N\nMSG*IN NETWORK PROVIDERS ONLY",
        "EB*A*IND*PT***27**1.5****N",
        "EB*A*IND*PT***27**1e0****N",
        "EB*A*IND*PT***27**1.0000000000005****N",
    ],
)
def test_a_share_of_one_elsewhere_goes_to_a_person_with_unitedhealthcare_too(row: str) -> None:
    coverage = coverage_of(f"{PT}\n{row}", payer=UHC)
    assert coverage.settled == ()
    assert same_but_for_the_name(coverage, strict(f"{PT}\n{row}"))


def test_a_share_of_one_beside_whole_percents_is_one_percent_with_tufts() -> None:
    rows = f"{PT}\nEB*A*IND*PT***27**1****Y\nEB*A*IND*PT***27**50****N"
    coverage = coverage_of(rows, payer=TUFTS, background="")
    shares = amounts(coverage, AmountKind.COINSURANCE, "PT")
    assert [(one.percent, one.network) for one in shares] == [
        (Decimal(1), Network.IN),
        (Decimal(50), Network.OUT),
    ]
    assert (coverage.verdict, codes(coverage)) == (Verdict.ACTIVE, set())
    assert settled(coverage) == ["percent_scale"]
    assert coverage_of(rows, background="").verdict is UNCLEAR


@pytest.mark.parametrize(
    "rows",
    [
        f"{PT}\nEB*A*IND*PT***27**1****Y",
        f"{PT}\nEB*A*IND*PT***27**1****Y\nEB*A*IND*PT***27**50****N\nEB*A*IND*98***27**.2****Y",
        f"{PT}\nEB*A*IND*PT***27**1****Y\nEB*A*IND*PT***27**5O****N",
    ],
)
def test_an_answer_that_does_not_show_its_scale_stays_unclear_with_tufts(rows: str) -> None:
    coverage = coverage_of(rows, payer=TUFTS, background="")
    assert coverage.verdict is UNCLEAR
    assert "percent_scale" in codes(coverage)
    assert coverage.settled == ()


def test_what_is_settled_of_a_service_that_nobody_asked_about_is_not_told() -> None:
    rows = f"{PT}\nEB*A*IND*48***27**1****N\nMSG*INPATIENT HOSPITAL"
    assert coverage_of(rows, payer=UHC).settled == ()


# 9: amounts that stand for none

NONE_FAMILY = (
    f"{PT}\nEB*G*FAM*30***23*99999.99*****W\nEB*G*FAM*30***24*302.68*****W\n"
    "EB*G*FAM*30***29*99697.31*****W\nEB*G*IND*30***23*3290*****W"
)


def test_all_nines_and_what_remains_of_them_are_no_amount_with_unitedhealthcare() -> None:
    coverage = coverage_of(NONE_FAMILY, payer=UHC)
    assert [(a.person, a.cents, a.used, a.remaining) for a in coverage.amounts] == [
        (Person.FAMILY, None, 30268, None),
        (Person.INDIVIDUAL, 329000, None, None),
    ]
    assert codes(coverage) == set()
    [one] = coverage.settled
    assert one.text == "There is no family out-of-pocket limit: 99999.99 stands for none"
    assert [source.segment for source in one.sources] == [
        segment_of(NONE_FAMILY, "EB*G*FAM*30***23"),
        segment_of(NONE_FAMILY, "EB*G*FAM*30***29"),
    ]


def test_another_payers_nines_are_left_out_and_doubted_as_before() -> None:
    coverage = strict(NONE_FAMILY)
    assert "sentinel" in codes(coverage)
    assert coverage.amounts[0].remaining == 9969731


@pytest.mark.parametrize(
    "rows",
    [
        f"{PT}\nEB*G*FAM*30***23*99999.99*****W\nEB*G*FAM*30***29*5000*****W",
        f"{PT}\nEB*G*FAM*30***23*9999.99*****W",
        f"{PT}\nEB*G*FAM*30***23*999999.99*****W",
        f"{PT}\nEB*G*FAM*30***23*99999.99*****W\nEB*G*FAM*30***23*6000*****W",
        f"{PT}\nEB*B*IND*PT***27*99999.99*****W",
    ],
)
def test_other_amounts_and_other_remainders_stay_strict_with_unitedhealthcare(rows: str) -> None:
    coverage = coverage_of(rows, payer=UHC)
    assert coverage.settled == ()
    assert same_but_for_the_name(coverage, strict(rows))


def test_an_unlimited_row_still_names_its_service() -> None:
    rows = f"{ACTIVE_PLAN}\nEB*G*IND*PT***23*99999.99*****W"
    assert coverage_of(rows, payer=UHC).verdict is strict(rows).verdict is Verdict.ACTIVE


# 8: a total without a period

IN_OOP = (
    f"{PT}\nEB*C*IND*30***23*500*****Y\nMSG*MED DENT,DED INCLUDED IN OOP\n"
    "EB*G*IND*30****3000*****Y\nEB*G*IND*30***29*2500*****Y"
)


def test_the_deductible_in_it_gives_the_total_its_period_with_aetna() -> None:
    coverage = coverage_of(IN_OOP, payer=AETNA)
    [limit] = amounts(coverage, AmountKind.OUT_OF_POCKET, "30")
    assert (limit.cents, limit.period, limit.remaining) == (300000, "calendar_year", 250000)
    assert codes(coverage) == set()
    [one] = coverage.settled
    assert one.text == "The individual out-of-pocket limit in network is per calendar year"
    assert (one.rule, len(one.sources)) == ("period_of", 2)
    assert codes(strict(IN_OOP)) == {"period_unstated"}


@pytest.mark.parametrize(
    ("written", "instead"),
    [
        ("DED INCLUDED IN OOP", "DED EXCLUDED FROM OOP"),
        ("EB*C*IND*30***23*500*****Y", "EB*C*IND*30***23*500*****N"),
        ("EB*C*IND*30***23*500*****Y", "EB*C*FAM*30***23*500*****Y"),
        ("EB*C*IND*30***23*500*****Y", "EB*C*IND*30***22*500*****Y"),
        ("EB*C*IND*30***23*500*****Y", "EB*C*IND*48***23*500*****Y"),
    ],
)
def test_a_total_beside_another_deductible_stays_without_a_period(
    written: str, instead: str
) -> None:
    rows = IN_OOP.replace(written, instead)
    coverage = coverage_of(rows, payer=AETNA)
    assert coverage.settled == ()
    assert same_but_for_the_name(coverage, strict(rows))
    assert "period_unstated" in codes(coverage)


# 15: a limit that is shared

SHARED = (
    f"{PT}\nEB*F*IND*AD^AE^AF***23***VS*40**Y\n"
    "MSG*Rehabilitative Combined total for Physical, Occupational, Speech Therapy"
)


def test_a_limit_shared_in_words_counts_for_physical_therapy_with_harvard_pilgrim() -> None:
    [limit] = coverage_of(SHARED, payer=HARVARD).visit_limits
    assert limit.service_types == ("AD", "AE", "AF", "PT")
    [limit] = strict(SHARED).visit_limits
    assert limit.service_types == ("AD", "AE", "AF")


@pytest.mark.parametrize(
    "rows",
    [
        SHARED.replace("AD^AE^AF", "AD^AF^33"),
        SHARED.replace("Physical, Occupational", "Occupational"),
        SHARED.replace("AD^AE^AF", "AD^AE^AF^PT"),
    ],
)
def test_another_limit_counts_for_what_it_names_only(rows: str) -> None:
    coverage = coverage_of(rows, payer=HARVARD)
    assert coverage.settled == ()
    assert same_but_for_the_name(coverage, strict(rows))


# 22, 23, 26: who pays first, whom to ask, what codes mean

PRIME = f"{PT}\nEB*1**30*MA\nMSG*BCBSMA IS PRIME"


def test_a_payer_that_says_it_is_prime_leaves_no_question_who_pays_first() -> None:
    coverage = coverage_of(PRIME, payer=BLUE)
    assert [(one.name, one.order) for one in coverage.other_payers] == [
        ("Medicare Part A", "secondary")
    ]
    assert codes(coverage) == set()
    assert coverage.settled[0].text == "This payer pays first, Medicare Part A second"
    assert codes(strict(PRIME)) == {"other_payer"}


@pytest.mark.parametrize(
    "rows",
    [
        PRIME.replace("BCBSMA IS PRIME", "MEDICARE IS PRIME"),
        PRIME.replace("BCBSMA IS PRIME", "BCBSMA IS PRIME UNTIL JUNE"),
        f"{PRIME}\nEB*1**30*MB",
        f"{PRIME}\nEB*R*IND*30\nLS*2120\nNM1*SEP*2*EXAMPLE OTHER PLAN\nLE*2120",
    ],
)
def test_other_words_and_other_payers_still_ask_who_pays_first(rows: str) -> None:
    coverage = coverage_of(rows, payer=BLUE)
    assert "other_payer" in codes(coverage)
    assert coverage.settled == ()


def managed(name: str) -> str:
    """A plan that an organization manages."""
    return f"{ACTIVE_PLAN}\nLS*2120\nNM1*X3*2*{name}\nLE*2120\nEB*1**PT"


def test_the_tip_says_whom_to_ask_for_a_member_of_wellmed() -> None:
    coverage = coverage_of(managed("WELLMED MEDICAL MANAGEMENT INC"), payer=UHC)
    [reason] = service(coverage).reasons
    assert (coverage.verdict, reason.code) == (UNCLEAR, "delegated")
    assert reason.tip.startswith("WellMed, not UnitedHealthcare")
    assert coverage.reasons == (reason,)
    assert settled(coverage) == ["delegates"]


@pytest.mark.parametrize(
    ("name", "payer"),
    [
        ("WELLMED MEDICAL MANAGEMENT INC", "EXAMPLE HEALTH PLAN"),
        ("WELLMED MEDICAL MANAGEMENT INC OF NOWHERE", UHC),
        ("EXAMPLE MEDICAL MANAGEMENT INC", UHC),
    ],
)
def test_another_organization_or_another_payer_has_the_plain_tip(name: str, payer: str) -> None:
    coverage = coverage_of(managed(name), payer=payer)
    assert coverage.verdict is UNCLEAR
    assert coverage.settled == ()
    assert service(coverage).reasons[0].tip.startswith("Ask the organization named")


def test_a_contact_for_pharmacy_needs_no_rule_not_to_stop_therapy() -> None:
    rows = f"{PT}\nEB*U**88\nLS*2120\nNM1*VN*2*OPTUMRX\nLE*2120"
    coverage = coverage_of(rows, payer=UHC)
    assert (coverage.verdict, coverage.settled) == (Verdict.ACTIVE, ())


def test_new_york_medicaids_codes_are_said_in_words_and_change_nothing() -> None:
    rows = "EB*1*IND*30**MA ELIGIBLE\nMSG*35\nMSG*46\nMSG*95\nMSG*RECERT MONTH=12\nEB*1**PT"
    coverage = coverage_of(rows, payer=NEW_YORK)
    assert [one.text[:7] for one in coverage.settled] == ["46: OPW", "95: eli"]
    assert coverage.settled[0].sources[0].element == "MSG"
    assert replace(coverage, settled=(), payer_rules="", payer=strict(rows).payer) == strict(rows)


@pytest.mark.parametrize("row", ["EB*1*IND*33\nMSG*95", "EB*D*IND*30\nMSG*95", "EB*CB**30\nMSG*95"])
def test_a_code_elsewhere_than_beside_the_plan_is_no_code(row: str) -> None:
    assert coverage_of(f"{PT}\n{row}", payer=NEW_YORK).settled == ()


# Who is who


@pytest.mark.parametrize(
    ("name", "payer_id", "file"),
    [
        ("UnitedHealthcare", "", "unitedhealthcare.toml"),
        ("UNITEDHEALTHCARE", "10002", "unitedhealthcare.toml"),
        (" united-healthcare. ", "87726", "unitedhealthcare.toml"),
        ("", "87726", "unitedhealthcare.toml"),
        ("UNITEDHEALTHCARE", "60054", None),
        ("SOMEBODY ELSE", "87726", None),
        ("UNITEDHEALTHCARE NOT", "87726", None),
        ("UNITEDHEALTHCARE OF NOWHERE", "", None),
        ("NOT UNITEDHEALTHCARE", "", None),
        ("UNITED", "", None),
        (
            "\uff35\uff2e\uff29\uff34\uff25\uff24\uff28\uff25\uff21\uff2c\uff34\uff28\uff23\uff21\uff32\uff25",
            "",
            None,
        ),
        ("UNITED\u200bHEALTHCARE", "", None),
        ("UNITEDHEALTHCARE" * 1000, "", None),
        ("", "", None),
        ("...", "...", None),
    ],
)
def test_a_payer_is_known_by_its_exact_name_or_by_nothing(
    name: str, payer_id: str, file: str | None
) -> None:
    found = rules_for(name, payer_id)
    assert (found.file if found else None) == file


@pytest.mark.parametrize(
    ("name", "known", "file"),
    [
        ("A NAME OF ITS OWN", ("unitedhealthcare", "UHC"), "unitedhealthcare.toml"),
        ("AETNA INC", ("unitedhealthcare", "UnitedHealthcare"), None),
        ("AETNA INC", ("aetna", "Aetna"), "aetna.toml"),
        ("AETNA INC", ("aetna-better-health", "Aetna Better Health"), None),
        ("AETNA INC", ("unitedhealthcare", "Aetna"), None),
        ("", ("tufts-health-plan",), "tufts.toml"),
    ],
)
def test_whom_the_caller_asked_chooses_unless_somebody_else_answered(
    name: str, known: tuple[str, ...], file: str | None
) -> None:
    found = rules_for(name, "", known)
    assert (found.file if found else None) == file


def test_every_payer_of_a_file_is_in_the_directory() -> None:
    ids = {plain(payer.id) for payer in load_directory()}
    for one in all_rules():
        assert one.directory <= ids


def test_an_answer_without_quirks_is_read_alike_with_every_file() -> None:
    rows = (
        f"{PT}\nEB*B*IND*PT***27*20*****Y\nEB*A*IND*PT***27**.4****N\n"
        "EB*C*IND*30***23*1500*****Y\nEB*C*IND*30***29*800*****Y\nEB*F*IND*PT***23***VS*30**Y"
    )
    for rules in all_rules():
        coverage = coverage_of(rows, payer=min(rules.names))
        assert (coverage.payer_rules, coverage.settled) == (rules.file, ())
        assert same_but_for_the_name(coverage, strict(rows))


ODD_ROWS = st.builds(
    "EB*{}*{}*{}***{}*{}*{}****{}{}".format,
    st.sampled_from("1ABCFGU"),
    st.sampled_from(["IND", "FAM", ""]),
    st.sampled_from(["30", "PT", "AD^AE", ""]),
    st.sampled_from(["23", "24", "29", "27", "", "?"]),
    st.sampled_from(["99999.99", "99709.99", "290", "-1", "9e9", "x", ""]),
    st.sampled_from(["1", "1.0", ".2", "50", "NaN", "1e0", "x", ""]),
    st.sampled_from("YNW "),
    st.sampled_from(["", "\nMSG*95", "\nMSG*DED INCLUDED IN OOP", "\nMSG*IN NETWORK"]),
)


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(ODD_ROWS, max_size=6), rules=st.sampled_from(all_rules()))
def test_where_no_rule_settles_anything_a_known_payer_is_read_as_any_other(rows, rules) -> None:
    text = "\n".join([PT, *rows])

    def read(payer: str) -> Coverage:
        content = encoded(document(text, payer=payer, background=""))
        [coverage] = read_answers(content, SERVICES, ON).coverages
        return coverage

    known, unknown = read(min(rules.names)), read("EXAMPLE HEALTH PLAN")
    if not known.settled:
        assert same_but_for_the_name(known, unknown)
