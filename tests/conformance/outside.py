"""The running sandbox, as the conformance suites see it."""

from collections import Counter
from dataclasses import dataclass, field

import httpx2

from cleargate.nouns.outside import SEND, Left
from tests.unit.connectors.parts import Calls


@dataclass
class World:
    """A running sandbox, by its admin pages; `calls` are those that connectors told of.

    `told_elsewhere`: some of its clients tell the store, as app.py wires them.
    """

    ready: dict
    calls: Calls = field(default_factory=Calls)
    told_elsewhere: bool = False

    def admin(self, page: str, body: dict | None = None) -> dict:
        url = f"{self.ready['base_url']}/_admin/{page}"
        answer = httpx2.get(url) if body is None else httpx2.post(url, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def fail(self, match: str, fault: str, times: int = 1) -> None:
        self.admin("faults", {"match": match, "fault": fault, "times": times})

    def ledger(self, name: str) -> list[dict]:
        return self.admin("ledger")[name]

    def received(self) -> list[dict]:
        """Every call that reached it, with the digest of what came."""
        return self.admin("calls")["calls"]

    def unmatched(self) -> tuple[Counter, Counter]:
        """Digests that came in here and that no connector told of, and those told that never came.

        A mail server answers before the mail itself comes.
        """
        came = Counter(line["digest"] for line in self.received())
        told = Counter(call.digest_out for call in self.calls if call.left is not Left.NO)
        sure = Counter(
            call.digest_out
            for call in self.calls
            if call.left is Left.YES and (call.operation != SEND or call.answered)
        )
        return came - told, sure - came
