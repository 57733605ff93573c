"""Traps 1, 2, 14 and 26: networks, and what stands in words only."""

from cleargate.nouns.coverage import Network
from tests.unit.coverage.traps.whole_answer import (
    COPAY,
    DEDUCTIBLE,
    UNCLEAR,
    answer,
)


def test_trap_01_the_network_of_two_copays_is_told_in_words_only() -> None:
    """No row has a flag: the words beside each say which copay is for whom."""
    whole = answer(
        copays="EB*B*IND*PT***27*30\nMSG*IN NETWORK PROVIDERS\n"
        "EB*B*IND*PT***27*75\nMSG*OUT OF NETWORK PROVIDERS"
    )
    assert [(one.cents, one.network, str(one.source)) for one in whole.amounts(COPAY, "PT")] == [
        (3000, Network.IN, whole.at("EB*B*IND*PT***27*30", "EB07")),
        (7500, Network.OUT, whole.at("EB*B*IND*PT***27*75", "EB07")),
    ]
    assert (whole.changed, whole.reasons) == ({}, {})


def test_near_miss_01_words_about_the_asking_provider_are_not_about_the_row() -> None:
    """The professional is in network; the copay that the words stand beside is for out of it."""
    said = "MSG*Healthcare professional is in network based on NPI ID provided in request."
    whole = answer(copays=f"EB*B*IND*PT***27*75*****N\n{said}")
    [copay] = whole.amounts(COPAY, "PT")
    assert copay.network is Network.OUT
    assert whole.coverage.provider_network is Network.IN
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_01_the_flag_says_out_and_the_words_say_in() -> None:
    """The deductible for therapy is shown without a network, and therapy goes to a person."""
    row = "EB*C*IND*PT***23*1000*****N"
    said = "MSG*CALENDAR YEAR DEDUCTIBLE - IN NETWORK"
    whole = answer(f"{row}\n{said}")
    [deductible] = whole.amounts(DEDUCTIBLE, "PT")
    assert (deductible.cents, deductible.network) == (100000, Network.UNSTATED)
    assert str(deductible.source) == whole.at(row, "EB07")
    assert whole.changed == {"PT": UNCLEAR}
    assert whole.reasons == {"network_disagrees": {whole.at(row, "EB12"), whole.at(said, "MSG")}}


def test_trap_02_therapy_is_known_from_words_under_another_service_only() -> None:
    """Two copays under office visits, and only the text tells therapy's from the physician's."""
    therapy = "EB*B*ESP*98****20*****Y\nMSG*OUTPATIENT PHYSICAL THERAPY"
    others = "EB*B*ESP*98****30*****W\nMSG*SPEC OFFICE"
    whole = answer(therapy="", copays=f"{therapy}\n{others}", limit="")
    assert whole.changed == {"PT": UNCLEAR, "98": UNCLEAR}
    places = {whole.at("EB*1**30", "EB01"), whole.at("MSG*OUTPATIENT PHYSICAL", "MSG")}
    assert whole.why("PT") == {"service_in_text": places}
    assert whole.amounts(COPAY, "PT") == []
    assert {one.cents for one in whole.amounts(COPAY, "98")} == {2000, 3000, 2500}
    assert set(whole.why("98")) == {"cost_share_disagrees"}


def test_near_miss_02_one_copay_said_twice_and_a_physical_examination() -> None:
    """20 and 20.00 are one copay, and a routine physical is no physical therapy."""
    whole = answer(
        "EB*D*IND*98\nMSG*ROUTINE PHYSICAL EXAM ONCE PER YEAR",
        therapy="",
        limit="",
        copays="EB*B*IND*98***27*25.00*****Y\nMSG*PRIMARY OFFICE",
    )
    assert whole.changed == {"PT": UNCLEAR}
    assert set(whole.why("PT")) == {"service_not_settled"}
    assert "cost_share_disagrees" not in whole.reasons


def test_contradiction_02_two_copays_for_therapy_in_one_network() -> None:
    """Both are shown, neither is chosen, and both places are told."""
    whole = answer(copays="EB*B*IND*PT***27*30*****Y\nEB*B*IND*PT***27*50*****Y")
    assert [one.cents for one in whole.amounts(COPAY, "PT")] == [3000, 5000]
    assert whole.changed == {"PT": UNCLEAR}
    assert whole.reasons == {
        "cost_share_disagrees": {
            whole.at("EB*B*IND*PT***27*30", "EB07"),
            whole.at("EB*B*IND*PT***27*50", "EB07"),
        }
    }


def test_trap_14_w_is_either_network_and_no_flag_is_none() -> None:
    """The two are kept apart, whatever becomes of them later."""
    whole = answer(deductibles="EB*C*IND*30***23*290*****W\nEB*C*FAM*30***23*580")
    assert [(one.cents, one.network) for one in whole.amounts(DEDUCTIBLE, "30")] == [
        (29000, Network.EITHER),
        (58000, Network.UNSTATED),
    ]
    assert (whole.changed, whole.reasons) == ({}, {})


def test_near_miss_14_w_with_words_for_one_network_is_that_network() -> None:
    """W says that networks do not matter; words that name one are more exact."""
    whole = answer(
        copays="EB*B*IND*PT***27*30*****W\nMSG*IN-NETWORK\nEB*B*IND*PT***27*75*****N",
    )
    assert [one.network for one in whole.amounts(COPAY, "PT")] == [Network.IN, Network.OUT]
    assert (whole.changed, whole.reasons) == ({}, {})


def test_contradiction_14_either_network_30_and_in_network_50() -> None:
    """W includes the practice's network, so that two copays claim the same visit."""
    whole = answer(copays="EB*B*IND*PT***27*30*****W\nEB*B*IND*PT***27*50*****Y")
    assert [one.network for one in whole.amounts(COPAY, "PT")] == [Network.EITHER, Network.IN]
    assert whole.changed == {"PT": UNCLEAR}
    assert whole.reasons == {
        "cost_share_disagrees": {
            whole.at("EB*B*IND*PT***27*30", "EB07"),
            whole.at("EB*B*IND*PT***27*50", "EB07"),
        }
    }


def test_trap_26_coded_text_is_not_interpreted() -> None:
    """35 and 12 are a Medicaid agency's own codes: no copay, no limit, no date."""
    plan = "EB*1*IND*30**MA ELIGIBLE\nMSG*35\nMSG*RECERT MONTH=12\nMSG*CTY=07 PGM=35"
    whole = answer(plan=plan, payer="EXAMPLE STATE MEDICAID")
    assert (whole.changed, whole.reasons) == ({}, {})
    assert whole.coverage.plan == "MA ELIGIBLE"
    assert [one.cents for one in whole.amounts(COPAY, "PT")] == [3000]
    assert [(one.allowed, one.remaining) for one in whole.coverage.visit_limits] == [(30, 22)]
    assert whole.coverage.ends is None


def test_near_miss_26_words_that_are_no_code_are_read() -> None:
    """A limit in plain words is a limit."""
    row, said = "EB*F*IND*PT*********Y", "MSG*12 VISITS PER CALENDAR YEAR"
    [limit] = answer(limit=f"{row}\n{said}").limits("PT")
    assert (limit.allowed, limit.period) == (12, "calendar_year")


def test_contradiction_26_the_row_says_active_and_its_words_say_terminated() -> None:
    """Codes are not interpreted, but plain words against the row's own status are heard."""
    said = "MSG*COVERAGE TERMINATED 03/31/2026"
    whole = answer(plan=f"EB*1*IND*30**MA ELIGIBLE\nMSG*35\n{said}")
    assert whole.changed == {"PT": UNCLEAR, "98": UNCLEAR, "30": UNCLEAR}
    places = {whole.at("EB*1*IND*30**MA ELIGIBLE", "EB01"), whole.at(said, "MSG")}
    assert whole.reasons == {"contradiction": places}
