"""Every public 271: read, and judged as a person judged it who read the file."""

from datetime import date

import pytest

from cleargate.coverage.reading import read_answers
from cleargate.nouns.coverage import Coverage, Network, ReasonKind, Verdict
from cleargate.x12.diagnostics import Severity
from tests.corpus.files import CORPUS, needs_corpus, samples

pytestmark = needs_corpus

ON = date(2026, 5, 1)
SERVICES = ("PT", "AE", "AF", "AD", "98", "30")
ACTIVE, UNCLEAR = Verdict.ACTIVE, Verdict.ACTIVE_UNCLEAR
UNDETERMINED = Verdict.UNDETERMINED

KARTIK = "Kartik-Hirijaganer_X12-Parser-Encoder__"
LINUX = "LinuxForHealth_x12__"
BADX12 = "pypi_badx12-0.2.2__X279-"

READ_BY_HAND = {
    # Active for 30 and nothing about therapy.
    f"{KARTIK}271_active_response.x12": {"PT": UNCLEAR, "98": UNCLEAR, "30": ACTIVE},
    f"{KARTIK}271_ls_le_wrapper.x12": {"PT": UNCLEAR, "98": UNCLEAR, "30": ACTIVE},
    f"{KARTIK}271_multiple_eb_segments.x12": {"PT": UNCLEAR, "98": UNCLEAR, "30": ACTIVE},
    f"{KARTIK}271_rejected_subscriber.x12": {"PT": UNDETERMINED, "30": UNDETERMINED},
    # Active for 30, and for a list with 98 (office visit) and 33, but without PT.
    f"{LINUX}demo.271": {"PT": UNCLEAR, "98": ACTIVE, "30": ACTIVE},
    f"{LINUX}dependent-health-benefit-check.271": {"PT": UNCLEAR, "98": ACTIVE, "30": ACTIVE},
    f"{LINUX}subscriber-health-benefit-check-error.271": {"PT": UNDETERMINED},
    f"{BADX12}error-response-from-payer-to-clinic-not-eligible-for-inquiries-with-payer.edi": {
        "PT": UNDETERMINED
    },
    f"{BADX12}response-to-generic-request-by-clinic-for-patient-_subscriber_-eligibility.edi": {
        "PT": UNCLEAR,
        "98": ACTIVE,
        "30": ACTIVE,
    },
    f"{BADX12}response-to-generic-request-by-physician-for-patient-_dependent_-eligibility.edi": {
        "PT": UNCLEAR,
        "98": ACTIVE,
        "30": ACTIVE,
    },
}


def read(name: str) -> tuple[Coverage, ...]:
    return read_answers((CORPUS / "271" / name).read_bytes(), SERVICES, ON).coverages


@pytest.mark.parametrize("name", READ_BY_HAND)
def test_the_verdicts_are_those_read_by_hand(name: str) -> None:
    [coverage] = read(name)
    verdicts = {service.code: service.verdict for service in coverage.services}
    assert verdicts.items() >= READ_BY_HAND[name].items()


@pytest.mark.parametrize("path", samples("271"), ids=lambda path: path.name[-40:])
def test_every_sample_is_read_without_an_error(path) -> None:
    reading = read_answers(path.read_bytes(), SERVICES, ON)
    assert reading.coverages
    assert not [f for f in reading.diagnostics if f.severity is Severity.ERROR]


def test_no_sample_is_missing_from_this_file() -> None:
    gainwell = f"{KARTIK}gainwell_271_redacted.edi"
    assert {path.name for path in samples("271")} == {*READ_BY_HAND, gainwell}


def test_a_batch_of_153_medicaid_answers() -> None:
    coverages = read(f"{KARTIK}gainwell_271_redacted.edi")
    assert len(coverages) == 153
    assert [coverage.set_index for coverage in coverages] == list(range(1, 154))
    for coverage in coverages[:136]:
        assert coverage.verdict is UNCLEAR
        assert coverage.services[-1].verdict is ACTIVE
        assert coverage.services[4].verdict is UNCLEAR
    assert {coverage.verdict for coverage in coverages[136:]} == {UNDETERMINED}
    refused = [coverage.reasons[0] for coverage in coverages[140:]]
    assert [reason.code for reason in refused].count("AAA:73") == 8
    assert [reason.code for reason in refused].count("AAA:71") == 4
    assert [reason.code for reason in refused].count("AAA:75") == 1
    assert {reason.kind for reason in refused} == {ReasonKind.DATA_WRONG}


def test_copays_in_and_out_of_network() -> None:
    [coverage] = read(f"{LINUX}demo.271")
    assert [(a.cents, a.network, a.period) for a in coverage.amounts] == [
        (1000, Network.IN, "visit"),
        (3000, Network.OUT, "visit"),
    ]
    assert (coverage.plan, coverage.begins) == ("GOLD 123 PLAN", date(2006, 1, 1))


def test_the_dependent_is_the_patient() -> None:
    [coverage] = read(f"{LINUX}dependent-health-benefit-check.271")
    assert (coverage.given_name, coverage.birth_date) == ("MARY", date(1998, 10, 14))
    assert coverage.member_id == "123456789"
