"""Reasons in words: the payer's reject codes and our own, from reasons.toml.

A Doubt is a reason with its reach: which services it touches, and whether it stops them.
"""

import tomllib
from collections.abc import Iterable
from importlib import resources
from typing import NamedTuple

from cleargate.coverage.rows import Refusal
from cleargate.nouns.coverage import Reason, ReasonKind, Source

_TABLES = tomllib.loads(
    resources.files("cleargate.coverage").joinpath("reasons.toml").read_text("utf-8")
)
_FOLLOW_UP: dict[str, str] = _TABLES["follow_up"]
RULES: dict[str, str] = _TABLES["rule"]
"""The rules by which verdicts are decided (ServiceVerdict.rule), in words."""


def _load(code: str, entry: dict[str, str]) -> Reason:
    return Reason(
        code,
        entry["text"],
        entry["tip"],
        entry.get("field", ""),
        ReasonKind(entry.get("kind", ReasonKind.FOR_A_PERSON)),
    )


_OWN = {code: _load(code, entry) for code, entry in _TABLES["own"].items()}
_ISSUERS = {
    "AAA": "aaa",
    "Availity": "availity",
    "Gateway": "gateway",
    "TriZetto": "trizetto",
    "pVerify": "pverify",
}
"""Who refuses, as it stands before a reason's code, and the table of its codes."""
_REFUSALS = {
    f"{issuer}:{code}": _load(f"{issuer}:{code}", entry)
    for issuer, table in _ISSUERS.items()
    for code, entry in _TABLES[table].items()
}


class Doubt(NamedTuple):
    """A reason that reaches `services`, or every service where that is None.

    `stops`: an ACTIVE service becomes ACTIVE_UNCLEAR; otherwise the reason is for information.
    """

    reason: Reason
    services: frozenset[str] | None = None
    stops: bool = False

    def reaches(self, service: str) -> bool:
        """Whether this service is touched."""
        return self.services is None or service in self.services


def reason(code: str, sources: Iterable[Source] = (), detail: str = "") -> Reason:
    """One of our own reasons. `detail` is added to its text: the payer's words, or a name."""
    known = _OWN[code]
    text = f"{known.text}: {detail}" if detail else known.text
    return Reason(code, text, known.tip, known.field, known.kind, tuple(sources))


def refusal(said: Refusal) -> Reason:
    """A refusal in words: its code (AAA03), and what AAA04 asks for.

    Words of the other side are shown where its code does not say it all.
    """
    code = f"{said.issuer}:{said.reason}"
    known = _REFUSALS.get(code, _REFUSALS[f"{said.issuer}:unknown"])
    text = f"{known.text}: {said.words}" if said.words else known.text
    if follow_up := _FOLLOW_UP.get(said.follow_up):
        text = f"{text} ({follow_up})"
    return Reason(code, text, known.tip, said.field or known.field, known.kind, (said.source,))
