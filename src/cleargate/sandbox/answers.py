"""Filling a payer's byte template: the answer's 271, written by no codec.

A template is lines of segments in sections (`== active`); `<name>` is replaced. Which sections
make an answer depends on the member's state.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

from cleargate.sandbox.members import Finding, State
from cleargate.sandbox.question import Identity, Question

_HERE = Path(__file__).parent / "payers"
_TERMINATORS = {"~": "~", "~newline": "~\n", "newline": "\n"}
_PLACE = re.compile(r"<([a-z_0-9]+)>")

BENEFITS = {
    State.ACTIVE_UNCLEAR: ("unclear",),
    State.INACTIVE: ("inactive",),
    State.AUTH_REQUIRED: ("active", "auth"),
    State.REFERRAL_NEEDED: ("active", "referral"),
    State.OTHER_PAYER_PRIMARY: ("active", "other_payer"),
}
FOLLOW_UP = {"42": "R", "43": "C", "79": "N"}


@dataclass(frozen=True, slots=True)
class Payer:
    """A payer of `payers.toml`."""

    code: str
    name: str
    shape: str
    deviation: str
    latency_ms: int


@dataclass(frozen=True, slots=True)
class Shape:
    """A template: its sections, and what ends a segment."""

    terminator: str
    sections: Mapping[str, tuple[str, ...]]

    def fill(self, sections: tuple[str, ...], values: Mapping[str, str]) -> bytes:
        """The bytes of an answer; SE01 is counted."""
        lines = [line for section in sections for line in self.sections[section]]
        # ST to SE: everything but ISA, GS, GE and IEA.
        known = {**values, "segments": str(len(lines) - 4)}
        filled = [_PLACE.sub(lambda match: known[match[1]], line) for line in lines]
        return "".join(line + self.terminator for line in filled).encode("ascii", "replace")


@cache
def payers() -> Mapping[str, Payer]:
    """All payers by code."""
    listed = tomllib.loads((_HERE / "payers.toml").read_text())["payer"]
    return {entry["code"]: Payer(**entry) for entry in listed}


@cache
def shape(name: str) -> Shape:
    """Read a template."""
    terminator = "~"
    sections: dict[str, list[str]] = {}
    current: list[str] = []
    for line in (_HERE / "shapes" / f"{name}.x12t").read_text().splitlines():
        if line.startswith("# terminator:"):
            terminator = _TERMINATORS[line.partition(":")[2].strip()]
        elif line.startswith("== "):
            current = sections.setdefault(line[3:], [])
        elif line and not line.startswith("#"):
            current.append(line)
    return Shape(terminator, {key: tuple(lines) for key, lines in sections.items()})


def rejection(name: str, level: str, code: str, values: Mapping[str, str]) -> bytes:
    """An answer that only says no, at the level `payer`, `provider` or `member`."""
    before = {
        "payer": ("payer",),
        "provider": ("payer", "provider"),
        "member": ("payer", "provider"),
    }[level]
    sections = (*before, f"reject_{level}", "tail")
    reject = {"aaa": code, "follow": FOLLOW_UP.get(code, "C")}
    return shape(name).fill(sections, {**values, **reject})


def benefits(name: str, state: State, finding: Finding, values: Mapping[str, str]) -> bytes:
    """An answer with benefits, in the sections that the state calls for."""
    patient = "dependent" if finding.relation else "subscriber"
    told = BENEFITS.get(state, ("active",))
    return shape(name).fill(("payer", "provider", patient, *told, "tail"), values)


def values(question: Question, now: datetime) -> dict[str, str]:
    """What every answer to this question says, rejections too: parties, dates, the trace."""
    control = str(_number(question.trace or question.member_id, 10**8) + 1)
    service = question.on(now.date())
    month_end = (service.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    asked = question.patient
    return {
        "from": "SANDBOXCH",
        "from15": "SANDBOXCH".ljust(15),
        "to": question.group_sender,
        "to15": question.sender.ljust(15)[:15],
        "date6": f"{now:%y%m%d}",
        "date8": f"{now:%Y%m%d}",
        "time4": f"{now:%H%M}",
        "isa": control.zfill(9),
        "control": control,
        "trace": question.trace,
        "trace30": question.trace[:30],
        "payer": question.payer,
        "provider": question.provider,
        "npi": question.npi,
        "member": question.member_id,
        "group": "",
        "service": f"{service:%Y%m%d}",
        **_dates(service),
        "month_end": f"{month_end:%Y%m%d}",
        **person_values("", asked),
    }


def _dates(service: date) -> dict[str, str]:
    year = service.year
    return {
        "year_begin": f"{year}0101",
        "year_end": f"{year}1231",
        "last_year_begin": f"{year - 1}0101",
        "last_year_end": f"{year - 1}1231",
        "month_begin": f"{service:%Y%m}01",
    }


def member_values(finding: Finding, patient: Identity) -> dict[str, str]:
    """What only the payer knows: the policy, and amounts that are stable for the member."""
    member = finding.member
    if member is None:
        return {}
    pick = _number(member.member_id, 10**6)
    deductible = (500, 1000, 1500, 2000)[pick % 4]
    pocket = (4000, 5500, 6850)[pick % 3]
    visits = (20, 30, 40, 60)[pick % 4]
    left = deductible * (pick % 5) // 5
    return {
        "group": member.group or "000000",
        **person_values("", patient),
        **person_values("sub_", member.subscriber),
        "relation": finding.relation,
        "copay": str((20, 25, 30, 40)[pick % 4]),
        "deductible": str(deductible),
        "deductible_left": str(left),
        "deductible_family": str(2 * deductible),
        "deductible_family_left": str(deductible + left),
        "deductible_family_used": f"{deductible - left}.68",
        "pocket": str(pocket),
        "pocket_left": str(pocket - deductible + left),
        "pocket_used": f"{deductible - left}.68",
        "medicare_left": str(257 * (pick % 2)),
        "therapy_used": f"{pick % 1500}.25",
        "visits": str(visits),
        "visits_left": str(visits - pick % 9),
    }


def person_values(prefix: str, person: Identity) -> dict[str, str]:
    """What an answer says of a person."""
    return {
        f"{prefix}family": person.family.upper(),
        f"{prefix}given": person.given.upper(),
        f"{prefix}birth": person.birth,
        f"{prefix}sex": person.sex or "U",
    }


def _number(text: str, below: int) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) % below
