"""A whole answer of a payer that nobody knows, into which a trap puts its own rows.

The ordinary answer is that of an active plan: therapy with a copay of 30 dollars and 30 visits,
deductible, out-of-pocket limit, a physician, and what payers say about services that nobody asked
about. A test replaces one of its blocks, or adds rows beside them, and says what changes.
"""

from dataclasses import dataclass
from datetime import date

from cleargate.coverage.reading import read_answers
from cleargate.nouns.coverage import Amount, AmountKind, Coverage, Verdict, VisitLimit
from tests.unit.coverage.answers import (
    ON,
    SERVICES,
    assert_json_says_the_same,
    document,
    encoded,
)

ACTIVE, UNCLEAR = Verdict.ACTIVE, Verdict.ACTIVE_UNCLEAR
INACTIVE, UNDETERMINED = Verdict.INACTIVE, Verdict.UNDETERMINED
COPAY, COINSURANCE = AmountKind.COPAY, AmountKind.COINSURANCE
DEDUCTIBLE, OUT_OF_POCKET = AmountKind.DEDUCTIBLE, AmountKind.OUT_OF_POCKET

ORDINARY = {
    "PT": ACTIVE,
    "AE": UNCLEAR,
    "AF": UNCLEAR,
    "AD": UNCLEAR,
    "98": ACTIVE,
    "30": ACTIVE,
}
"""What the ordinary answer says: AE, AF and AD are named nowhere in it."""

PLAN = "EB*1**30*PR*EXAMPLE PPO 500"
LIST = "EB*1**1^33^35^47^48^50^86^88^98^AL^MH^UC"
THERAPY = "EB*1**PT"
COPAYS = """\
EB*B*IND*PT***27*30****N*Y
EB*A*IND*PT***27**.4***N*N"""
LIMIT = """\
EB*F*IND*PT***23***VS*30**Y
EB*F*IND*PT***29***VS*22**Y"""
OFFICE = """\
EB*B*IND*98***27*25*****Y
EB*A*IND*98***27**.4****N"""
DEDUCTIBLES = """\
EB*C*IND*30***23*1500*****Y
EB*C*IND*30***29*400*****Y
EB*C*FAM*30***23*3000*****Y
EB*C*FAM*30***29*1900*****Y"""
OUT_OF_POCKETS = """\
EB*G*IND*30***23*5000*****Y
EB*G*IND*30***29*3900*****Y
EB*G*FAM*30***23*10000*****Y
EB*G*FAM*30***29*8900*****Y"""
OTHERS = """\
EB*L
LS*2120
NM1*P3*1*SAMPLEDOC*CASEY****XX*1234567893
PER*IC**TE*8005550101
LE*2120
EB*A*IND*48***36**.2***Y*Y
MSG*SEMI PRIVATE ROOM AND BOARD
EB*A*IND*48***36**.4***Y*N
EB*F*IND*48***23***DY*120**Y
EB*B*IND*86***27*250*****W
MSG*WAIVED IF ADMITTED
EB*B*IND*UC***27*60*****Y
EB*B*IND*MH***27*25*****Y
EB*F*IND*33***23***VS*12**Y
EB*I**AL
EB*U**88
LS*2120
NM1*VN*2*EXAMPLE RX
LE*2120
EB*X
LS*2120
NM1*1P*2*EXAMPLE THERAPY LLC*****XX*1234567893
LE*2120
EB*P
MSG*THIS IS NOT A GUARANTEE OF PAYMENT"""
"""What stands in every answer and says nothing about the services asked."""

SILENT = "\n".join(
    [
        "EB*P",
        *(f"MSG*BENEFIT DISCLAIMER PART {part:02d}, PAYMENT DEPENDS ON PLAN" for part in range(20)),
        OTHERS.partition("EB*A*IND*48")[0].strip(),
    ]
)
"""The other half of an answer that says nothing at all: words, and a physician."""

DATES = "DTP*346*D8*20260101"


@dataclass(frozen=True)
class Whole:
    """A 271, one segment a line, and the coverages that were read from it."""

    text: str
    coverages: tuple[Coverage, ...]

    @property
    def coverage(self) -> Coverage:
        """The only one."""
        [coverage] = self.coverages
        return coverage

    @property
    def changed(self) -> dict[str, Verdict]:
        """The verdicts that are not those of the ordinary answer."""
        stated = {one.code: one.verdict for one in self.coverage.services}
        assert stated.keys() == ORDINARY.keys()
        return {code: verdict for code, verdict in stated.items() if verdict is not ORDINARY[code]}

    @property
    def reasons(self) -> dict[str, set[str]]:
        """The codes of all reasons of the coverage, each with its places."""
        found: dict[str, set[str]] = {}
        for one in self.coverage.reasons:
            found.setdefault(one.code, set()).update(map(str, one.sources))
        return found

    def why(self, service: str) -> dict[str, set[str]]:
        """The codes of the reasons of one service's verdict, each with its places."""
        [verdict] = [one for one in self.coverage.services if one.code == service]
        found: dict[str, set[str]] = {}
        for one in verdict.reasons:
            found.setdefault(one.code, set()).update(map(str, one.sources))
        return found

    def decided(self, service: str) -> set[str]:
        """The places that decided one service's verdict."""
        [verdict] = [one for one in self.coverage.services if one.code == service]
        return set(map(str, verdict.sources))

    def amounts(self, kind: AmountKind, service: str) -> list[Amount]:
        """The amounts of a kind that name a service, in the answer's order."""
        return [
            amount
            for amount in self.coverage.amounts
            if amount.kind is kind and service in amount.service_types
        ]

    def limits(self, service: str) -> list[VisitLimit]:
        """The visit limits whose row names a service."""
        return [limit for limit in self.coverage.visit_limits if service in limit.service_types]

    def at(self, line: str, element: str) -> str:
        """The place of an element of the only segment that is so, or else starts so."""
        lines = self.text.splitlines()
        found = [at for at, one in enumerate(lines, 1) if one == line]
        found = found or [at for at, one in enumerate(lines, 1) if one.startswith(line)]
        assert len(found) == 1, f"{line} stands at {found}"
        return f"{found[0]}:{element}"


def answer(
    *beside: str,
    plan: str = PLAN,
    listed: str = LIST,
    therapy: str = THERAPY,
    copays: str = COPAYS,
    office: str = OFFICE,
    limit: str = LIMIT,
    deductibles: str = DEDUCTIBLES,
    out_of_pockets: str = OUT_OF_POCKETS,
    others: str = OTHERS,
    dependent: str = "",
    patient: str = DATES,
    payer: str = "EXAMPLE HEALTH PLAN",
    provider: str = "",
    on: date = ON,
    not_in_json: frozenset[str] = frozenset(),
) -> Whole:
    """Read the ordinary answer with some of its blocks replaced, and more rows `beside` them.

    The same comes out of both JSON forms, but for those that have no members for it. `dependent`
    is a level below the subscriber's to which all rows then belong.
    """
    services = (listed, therapy, copays, office, limit)
    blocks = (dependent, plan, *services, deductibles, out_of_pockets, *beside)
    rows = "\n".join(block for block in blocks if block)
    text = document(rows, patient=patient, payer=payer, provider=provider, background=others)
    if dependent:
        text = text.replace("HL*3*2*22*0", "HL*3*2*22*1")
    return read(text, on=on, not_in_json=not_in_json)


SERVICE_BLOCKS = dict.fromkeys(("listed", "therapy", "copays", "office", "limit"), "")
ALL_BLOCKS = SERVICE_BLOCKS | dict.fromkeys(("plan", "deductibles", "out_of_pockets"), "")


def without_services(*beside: str, **changes: str) -> Whole:
    """An answer that says what it says about the plan only, and nothing about a service asked."""
    return answer(*beside, **SERVICE_BLOCKS | changes)


def without_benefits(*beside: str, **changes: str) -> Whole:
    """An answer in which the payer says nothing about plan or services, at length."""
    return answer(*beside, **ALL_BLOCKS | {"others": SILENT} | changes)


def read(text: str, *, on: date = ON, not_in_json: frozenset[str] = frozenset()) -> Whole:
    """Read a document of 40 and more segments, with which nothing is wrong."""
    assert len(text.splitlines()) >= 40
    reading = read_answers(encoded(text), SERVICES, on)
    assert not reading.diagnostics
    lost = assert_json_says_the_same(text, reading.coverages[0], SERVICES, on)
    assert lost == not_in_json
    return Whole(text, reading.coverages)


def with_segment(whole: Whole, segment: str, before: str) -> Whole:
    """The answer with one more segment before the first that starts so, wherever that is."""
    lines = whole.text.splitlines()
    lines.insert(next(at for at, line in enumerate(lines) if line.startswith(before)), segment)
    trailer = next(at for at, line in enumerate(lines) if line.startswith("SE*"))
    first = next(at for at, line in enumerate(lines) if line.startswith("ST*"))
    lines[trailer] = f"SE*{trailer - first + 1}*0001"
    return read("\n".join(lines))
