"""The fault plan: which call fails, and how.

Decided by a hash of the seed, the call and the count of its tries, never by a shared random
generator: the same seed gives the same faults whatever the order of calls.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from cleargate.nouns.errors import Refused


class Fault(StrEnum):
    """The ways in which a call fails; docs/sandbox.md says what the caller sees."""

    DELAY = "delay"
    REFUSED = "refused"
    HANG = "hang"
    RESET_BEFORE = "reset_before_commit"
    RESET_AFTER = "reset_after_commit"
    LOST_REPLY = "lost_reply"
    TRUNCATED_BODY = "truncated_body"
    MALFORMED = "malformed"
    HTML_200 = "html_200"
    UNAUTHORIZED = "401"
    CONFLICT = "409"
    PRECONDITION = "412"
    TOO_MANY = "429"
    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    TRUNCATED_271 = "truncated_271"
    SMTP_451 = "smtp_451"
    SMTP_LOST = "smtp_lost"


ANY_HTTP = frozenset(
    {
        Fault.DELAY,
        Fault.HANG,
        Fault.RESET_BEFORE,
        Fault.RESET_AFTER,
        Fault.LOST_REPLY,
        Fault.TRUNCATED_BODY,
        Fault.MALFORMED,
        Fault.HTML_200,
        Fault.TOO_MANY,
        Fault.SERVER_ERROR,
        Fault.UNAVAILABLE,
    }
)
CONNECT = frozenset({Fault.REFUSED})
MAIL = frozenset({Fault.DELAY, Fault.SMTP_451, Fault.SMTP_LOST})

CONSECUTIVE_MAX = 2
"""One subject fails at most so often in a row, so that everything can settle."""
_NEVER_TWICE = frozenset({Fault.UNAUTHORIZED, Fault.SMTP_LOST})
"""Twice in a row these are for a person: wrong credentials, and a mail of unknown fate."""

PROFILES = {
    "none": "",
    "light": "503=0.010,429=0.005,delay=0.005,reset_before_commit=0.005,reset_after_commit=0.005,"
    "smtp_451=0.010,smtp_lost=0.005",
    "heavy": "503=0.040,500=0.020,429=0.020,401=0.020,409=0.010,412=0.010,delay=0.010,"
    "reset_before_commit=0.030,reset_after_commit=0.030,lost_reply=0.020,truncated_body=0.010,"
    "malformed=0.010,html_200=0.005,hang=0.002,truncated_271=0.005,refused=0.010,"
    "smtp_451=0.100,smtp_lost=0.050",
}


@dataclass(frozen=True, slots=True)
class Mix:
    """How often each fault comes, in [0, 1], and how late every reply is."""

    text: str
    rates: tuple[tuple[Fault, float], ...] = ()
    delay_ms: int = 0

    @staticmethod
    def parse(text: str) -> "Mix":
        """Read `none`, `light`, `heavy` or `kind=rate,...`. Raises Refused with one sentence."""
        rates: dict[Fault, float] = {}
        delay_ms = 0
        for item in filter(None, PROFILES.get(text, text).split(",")):
            name, _, value = item.strip().partition("=")
            if name == "delay_ms":
                delay_ms = int(_number(item, value, 60_000))
            elif name in set(Fault):
                rates[Fault(name)] = _number(item, value, 1.0)
            else:
                raise Refused(
                    f"--faults: {name!r} is no fault; give none, light, heavy or a mix such as "
                    f"503=0.10,delay_ms=100 of: delay_ms, {', '.join(Fault)}."
                )
        if sum(rates.values()) > 1.0:
            raise Refused("--faults: the rates add up to more than 1.")
        ordered = tuple((fault, rates[fault]) for fault in Fault if fault in rates)
        return Mix(text, ordered, delay_ms)


def _number(item: str, value: str, most: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= most:
        raise Refused(f"--faults: {item.strip()!r} needs a number from 0 to {most:g}.")
    return number


@dataclass(frozen=True, slots=True)
class Call:
    """What a call is: its name, whom it is about, and which faults can befall it."""

    name: str
    subject: str
    open_to: frozenset[Fault]

    @property
    def key(self) -> str:
        """What the count of tries goes by."""
        return f"{self.name}|{self.subject}"


@dataclass(slots=True)
class Planned:
    """A fault that a test asked for. `match` is a glob over call names."""

    match: str
    fault: Fault
    times: int
    contains: str = ""
    delay_ms: int = 1500


@dataclass(frozen=True, slots=True)
class Drawn:
    """What befalls a call: at most one fault, and the mix's general delay."""

    fault: Fault | None
    delay_ms: int


class FaultPlan:
    """Draws the fault of each call. `record(key, try, fault)` is told of each one."""

    def __init__(
        self, seed: int, mix: Mix, record: Callable[[str, int, Fault], None] = lambda *_: None
    ) -> None:
        self.mix = mix
        self.planned: list[Planned] = []
        self.drawn: Counter[str] = Counter()
        self._seed = seed
        self._record = record
        self._tries: Counter[str] = Counter()
        self._streak: dict[str, tuple[int, Fault]] = {}

    def restore(self, key: str, tries: int, fault: Fault) -> None:
        """Take up the counters of an earlier run."""
        self._tries[key] = tries
        self.drawn[fault] += 1

    def draw(self, call: Call, content: bytes = b"") -> Drawn:
        """Decide one call's fate; counts it as a try."""
        self._tries[call.key] += 1
        planned = self._take_planned(call, content)
        if planned is not None:
            self._note(call, planned.fault)
            slow = planned.delay_ms if planned.fault is Fault.DELAY else 0
            return Drawn(planned.fault, self.mix.delay_ms + slow)
        fault = self._chance(call)
        length, last = self._streak.get(call.key, (0, None))
        if fault is None or length >= CONSECUTIVE_MAX or (fault is last and fault in _NEVER_TWICE):
            self._streak.pop(call.key, None)
            return Drawn(None, self.mix.delay_ms)
        self._streak[call.key] = (length + 1, fault)
        self._note(call, fault)
        slow = 1500 if fault is Fault.DELAY else 0
        return Drawn(fault, self.mix.delay_ms + slow)

    def _take_planned(self, call: Call, content: bytes) -> Planned | None:
        for planned in self.planned:
            if (
                planned.fault in call.open_to
                and fnmatchcase(call.name, planned.match)
                and planned.contains.encode() in content
            ):
                planned.times -= 1
                if planned.times <= 0:
                    self.planned.remove(planned)
                return planned
        return None

    def _chance(self, call: Call) -> Fault | None:
        if not self.mix.rates:
            return None
        source = f"{self._seed}|{call.key}|{self._tries[call.key]}".encode()
        point = int.from_bytes(hashlib.blake2b(source, digest_size=8).digest()) / 2**64
        for fault, rate in self.mix.rates:
            if point < rate:
                return fault if fault in call.open_to else None
            point -= rate
        return None

    def _note(self, call: Call, fault: Fault) -> None:
        self.drawn[fault] += 1
        self._record(call.key, self._tries[call.key], fault)
