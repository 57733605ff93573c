"""What befalls a client that takes the wire for granted, at every door that answers at once."""

from collections.abc import Callable
from typing import ClassVar

import httpx2
import pytest

from cleargate.sandbox.faults import Fault
from tests.unit.sandbox.peers import Peer


class DoorFaults:
    """The faults of a door. `door` is its name in a call's, `ask` asks payer 60054 through it."""

    door: ClassVar[str]
    ask: ClassVar[Callable[..., httpx2.Response]]

    @pytest.mark.parametrize(
        ("fault", "error", "done"),
        [
            (Fault.RESET_BEFORE, httpx2.TransportError, 0),
            (Fault.HANG, httpx2.TransportError, 0),
            (Fault.RESET_AFTER, httpx2.TransportError, 1),
            (Fault.LOST_REPLY, httpx2.RemoteProtocolError, 1),
            (Fault.TRUNCATED_BODY, httpx2.RemoteProtocolError, 1),
        ],
    )
    def test_lost_reply_leaves_a_naive_client_in_doubt_and_asks_twice_for_a_blind_one(
        self, peer: Peer, fault: Fault, error: type[Exception], done: int
    ) -> None:
        peer.enrol()
        peer.plan(fault, f"{self.door}:60054")
        with pytest.raises(error):
            self.ask(peer, timeout=0.5)
        assert len(peer.ledger()["questions"]) == done
        assert self.ask(peer).status_code == 200
        assert len(peer.ledger()["questions"]) == done + 1

    @pytest.mark.parametrize(
        ("fault", "status", "done"),
        [(Fault.TOO_MANY, 429, 0), (Fault.UNAVAILABLE, 503, 0), (Fault.SERVER_ERROR, 500, 1)],
    )
    def test_status_does_not_tell_whether_the_payer_was_asked(
        self, peer: Peer, fault: Fault, status: int, done: int
    ) -> None:
        peer.enrol()
        peer.plan(fault, f"{self.door}:*")
        assert self.ask(peer).status_code == status
        assert len(peer.ledger()["questions"]) == done
