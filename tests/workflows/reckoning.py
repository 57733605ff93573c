"""What must be true of a case at its end, by our store and by the sandbox's own ledger."""

from collections import Counter

from cleargate.nouns.case import CaseState
from cleargate.nouns.ids import CaseId
from cleargate.nouns.insurance import Payment
from cleargate.store import effects
from tests.workflows.stage import Stage

_MAKES_RECORD = ("create_patient", "put_insurance", "book", "write_back")


def assert_done_once(stage: Stage, case_id: CaseId) -> None:
    """The case ended as it should: one firm visit and all that belongs to it, nothing twice."""
    assert stage.case(case_id).state is CaseState.DONE, stage.told(case_id)
    _assert_each_once(stage, case_id)
    done = stage.world.of_case(case_id)
    standing = _standing(stage, case_id)
    assert standing == [stage.case(case_id).memo.booking_id], standing
    request = stage.person(case_id).request
    insured = len(request.insurances) if request.payment is Payment.INSURANCE else 0
    assert len(done["insurances"]) == insured
    # A visit that was moved into another month has an answer about each month.
    assert len({row["ref"].split(".")[1] for row in done["eligibility"]}) == insured


def assert_withdrawn(stage: Stage, case_id: CaseId) -> None:
    """Nothing of the case is booked any more, over there neither."""
    assert stage.case(case_id).state is CaseState.WITHDRAWN, stage.told(case_id)
    _assert_each_once(stage, case_id)
    standing = _standing(stage, case_id)
    assert not standing, standing


def _standing(stage: Stage, case_id: CaseId) -> list[str]:
    """The visits that are firm over there; a tentative one would show as a complaint."""
    rows = stage.world.of_case(case_id)["bookings"]
    assert all(row["status"] in ("booked", "cancelled") for row in rows), rows
    return [row["id"] for row in rows if row["status"] == "booked"]


def _assert_each_once(stage: Stage, case_id: CaseId) -> None:
    """Our effects and their records agree one to one; a mail may have been repeated, as itself."""
    ours = stage.acting(case_id, lambda session: effects.of_case(session, case_id))
    unsure = [each.ref for each in ours if each.state == "sent"]
    assert not unsure, unsure
    made = Counter(
        each.ref
        for each in ours
        if each.state in ("done", "undone") and each.step.startswith(_MAKES_RECORD)
    )
    there = stage.world.of_case(case_id)
    lists = ("patients", "insurances", "bookings", "eligibility")
    found = Counter(row["ref"] for name in lists for row in there[name])
    assert found == made, (found, made)
    mailed = {each.ref for each in ours if each.step.startswith("mail_")}
    arrived = {row["message_id"].strip("<>").partition("@")[0] for row in there["mails"]}
    assert arrived == mailed, (arrived, mailed)
