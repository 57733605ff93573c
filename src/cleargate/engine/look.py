"""Look for what an earlier send left with the practice's system, where it can be searched."""

from collections.abc import Callable

from cleargate.engine.endings import NeedsPerson
from cleargate.nouns.case import Receipt
from cleargate.nouns.gate import GateReason
from cleargate.nouns.ids import Ref
from cleargate.ports import Dedupe, PracticeSystem, RecordKind

_DEDUPE = {
    RecordKind.PATIENT: lambda can: can.create_patient,
    RecordKind.INSURANCE: lambda can: can.put_insurance,
    RecordKind.BOOKING: lambda can: can.book,
    RecordKind.ELIGIBILITY: lambda can: can.create_patient,
}


def look_in(ehr: PracticeSystem, kind: RecordKind) -> Callable[[Ref], Receipt | None]:
    """A look by Ref. It raises NeedsPerson where the system cannot tell whether it was done."""

    def look(ref: Ref) -> Receipt | None:
        found = ehr.find_by_ref(kind, ref)
        if found is None and _DEDUPE[kind](ehr.capabilities()) is Dedupe.NONE:
            raise NeedsPerson(GateReason.VENDOR_UNSURE, ref.step)
        return found

    return look
