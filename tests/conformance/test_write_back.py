"""Where a practice's system keeps what a payer said: in a field, in a note, or nowhere."""

import pytest

from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.ports import WriteBack
from tests.conformance.conftest import TENANT, new_ref
from tests.conformance.test_practice_system import prepare


@pytest.mark.parametrize(
    ("without", "expected"),
    [
        ((), WriteBack.FIELD),
        (("CoverageEligibilityResponse",), WriteBack.NOTE),
        (("CoverageEligibilityResponse", "DocumentReference"), WriteBack.NONE),
    ],
)
def test_an_answer_is_kept_where_the_system_can_keep_it(practice, without, expected):
    """In its field, or as a note, once; where there is neither the system says so."""
    practice.world.admin("capability", {"tenant": TENANT, "without": list(without)})
    system = practice.make()
    try:
        assert system.capabilities().write_back is expected
        write, ref = prepare("record_eligibility", practice), new_ref("write_back")
        if expected is WriteBack.NONE:
            with pytest.raises(PortError) as refused:
                write.act(system, ref)
            assert refused.value.kind is ErrorKind.UNSUPPORTED
            return
        made = write.act(system, ref)
        assert write.act(system, ref).id == made.id
        found = system.find_by_ref(write.kind, ref)
        assert found is not None
        assert found.id == made.id
        assert write.count(ref) == 1
    finally:
        system.close()
        practice.world.admin("capability", {"tenant": TENANT, "without": []})
