"""The ordinary answer, which every trap changes in one place."""

from cleargate.nouns.coverage import AuthorisationNeed, Network, Person
from tests.unit.coverage.traps.whole_answer import (
    COINSURANCE,
    COPAY,
    DEDUCTIBLE,
    OUT_OF_POCKET,
    UNDETERMINED,
    answer,
    without_benefits,
)


def test_the_ordinary_answer_is_read_as_a_person_reads_it() -> None:
    """Therapy is settled, its amounts and visits are known, and nothing is doubtful."""
    whole = answer()
    coverage = whole.coverage
    assert (whole.changed, whole.reasons) == ({}, {})
    assert whole.decided("PT") == {whole.at("EB*1**PT", "EB01")}
    assert coverage.plan == "EXAMPLE PPO 500"
    [copay], [share] = whole.amounts(COPAY, "PT"), whole.amounts(COINSURANCE, "PT")
    assert (copay.cents, copay.network, copay.period) == (3000, Network.IN, "visit")
    assert (share.percent, share.network) == (40, Network.OUT)
    [limit] = coverage.visit_limits
    assert (limit.allowed, limit.remaining, limit.period) == (30, 22, "calendar_year")
    assert coverage.authorisation is AuthorisationNeed.NOT_REQUIRED
    assert coverage.other_payers == ()


def test_the_ordinary_answer_has_its_totals_joined_with_what_remains() -> None:
    """Deductible and out-of-pocket limit of the patient and of the family, in network."""
    whole = answer()
    assert [
        (amount.person, amount.cents, amount.remaining, str(amount.source))
        for kind in (DEDUCTIBLE, OUT_OF_POCKET)
        for amount in whole.amounts(kind, "30")
    ] == [
        (Person.INDIVIDUAL, 150000, 40000, whole.at("EB*C*IND*30***23", "EB07")),
        (Person.FAMILY, 300000, 190000, whole.at("EB*C*FAM*30***23", "EB07")),
        (Person.INDIVIDUAL, 500000, 390000, whole.at("EB*G*IND*30***23", "EB07")),
        (Person.FAMILY, 1000000, 890000, whole.at("EB*G*FAM*30***23", "EB07")),
    ]


def test_an_answer_that_says_nothing_at_length_settles_nothing() -> None:
    """Forty segments of disclaimers are no coverage."""
    coverage = without_benefits().coverage
    assert {one.verdict for one in coverage.services} == {UNDETERMINED}
    assert [one.code for one in coverage.reasons] == ["no_answer"]
