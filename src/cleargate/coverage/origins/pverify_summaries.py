"""pVerify's summaries: amounts, limits and needs of one kind of practice, by the members' names.

They are read where pVerify gives no details. A member holds text, or `Value` and `Notes`. Periods
are in none of them. A summary of which we do not know what it is about is named and left alone.
"""

import re
from collections.abc import Iterator

from cleargate.coverage.origins.codes import INSURANCE_WORDS, words
from cleargate.coverage.origins.json_members import Members
from cleargate.coverage.origins.json_rows import details
from cleargate.coverage.origins.pverify_members import money, plain_row, share
from cleargate.coverage.rows import (
    PLAN,
    BenefitRow,
    Details,
    Entity,
    Info,
    Role,
)
from cleargate.nouns.coverage import Network, Person
from cleargate.x12.diagnostics import warning

_SERVICES = {
    "HBPC_Deductible_OOP_Summary": PLAN,
    "PCPAuthInfoSummary": PLAN,
    "PhysicalTherapySummary": "PT",
    "OccupationalTherapySummary": "AD",
    "SpeechThearySummary": "AF",
    "SpeechTherapySummary": "AF",
    "ChiropracticSummary": "33",
    "SpecialistOfficeSummary": "98",
    "PrimaryCareSummary": "98",
}
"""What each is about. The third `Speech...` is pVerify's spelling."""
_SAME_SERVICE = {
    "SpecialistOfficeSummary": "Specialist office",
    "PrimaryCareSummary": "Primary care",
}
"""Two that are about one service are told apart by these words."""
_NOT_BENEFITS = frozenset(
    {"PlanCoverageSummary", "MedicareInfoSummary", "MiscellaneousInfoSummary"}
)
_SUMMARY = re.compile(r"[A-Za-z_]{1,60}Summary", re.ASCII)
_POOL = re.compile(r"(Individual|Family)(Deductible|OOP)(Remaining)?_?(In|Out)Net")
_SHARE = re.compile(r"(CoPay|CoIns)(In|Out)Net")
_COVERED = re.compile(r"ServiceCovered(In|Out)Net")
_LIMIT = re.compile(r"(?:Therapy)?(Visits|Amount)L?(Limitations|Remaining)(In|Out)Net")
_WORDS = re.compile(r"(In|Out)Net(?:Service|HBPC)AuthorizationInfo|AuthorizationInfo")
_NETWORKS = {"In": Network.IN, "Out": Network.OUT}
_PERSONS = {"Individual": Person.INDIVIDUAL, "Family": Person.FAMILY}
_POOLS = {"Deductible": Info.DEDUCTIBLE, "OOP": Info.OUT_OF_POCKET}
_PAYERS = {
    "PrimaryPayer": Role.PRIMARY_PAYER,
    "SecondaryPayer": Role.SECONDARY_PAYER,
    "Payer": Role.PAYER,
}


class _Reader:
    """The rows of the summaries as they come, each with the next number."""

    def __init__(self) -> None:
        self.rows: list[BenefitRow] = []

    def read(self, summary: Members, name: str, service: str, said: str) -> None:
        """One member of a summary; `said` is the words that all of them share."""
        value, notes = _value(summary, name)
        if not value:
            return
        row = plain_row(Info.DESCRIPTION, len(self.rows) + 1, (service,), summary.at(name))
        row = row._replace(details=_words(row, said, notes))
        if match := _POOL.fullmatch(name):
            self.rows.append(_pool(row, match, value))
        elif match := _SHARE.fullmatch(name):
            self.rows.append(_share(row, match, value))
        elif match := _COVERED.fullmatch(name):
            self.rows.append(_covered(row, match, value, summary))
        elif match := _LIMIT.fullmatch(name):
            self.rows.append(_limit(row, match, value))
        elif match := _WORDS.fullmatch(name):
            network = _NETWORKS.get(match[1], Network.UNSTATED)
            self.rows.append(row._replace(network=network, details=_words(row, value)))


def _pool(row: BenefitRow, match: re.Match[str], value: str) -> BenefitRow:
    return row._replace(
        info=_POOLS[match[2]],
        person=_PERSONS[match[1]],
        network=_NETWORKS[match[4]],
        period="remaining" if match[3] else "",
        amount=money(value),
    )


def _share(row: BenefitRow, match: re.Match[str], value: str) -> BenefitRow:
    row = row._replace(network=_NETWORKS[match[2]])
    if match[1] == "CoPay":
        return row._replace(info=Info.COPAY, amount=money(value))
    return row._replace(info=Info.COINSURANCE, percent=share(value))


def _covered(row: BenefitRow, match: re.Match[str], value: str, summary: Members) -> BenefitRow:
    info = {"YES": Info.ACTIVE, "NO": Info.NOT_COVERED}.get(words(value))
    if info is None:
        what = f"A member of {summary.path} is neither yes nor no."
        summary.report(warning("unknown_word", 0, what))
    return row._replace(info=info or Info.CANNOT_PROCESS, network=_NETWORKS[match[1]])


def _limit(row: BenefitRow, match: re.Match[str], value: str) -> BenefitRow:
    """Visits are counted; an amount, or visits in words, are words."""
    row = row._replace(
        info=Info.LIMIT,
        network=_NETWORKS[match[3]],
        period="remaining" if match[2] == "Remaining" else "",
    )
    if match[1] == "Visits" and value.isascii() and value.isdigit():
        return row._replace(quantity_kind="visits", quantity=value)
    return row._replace(details=_words(row, value, *[one.text for one in row.messages]))


def rows(document: Members) -> list[BenefitRow]:
    """The rows of every summary that we know, in the order in which they stand."""
    reader = _Reader()
    for name, value in document.values.items():
        if value is None or name in _NOT_BENEFITS:
            continue
        if name in _SERVICES:
            summary = document.member(name)
            for member in summary.values:
                reader.read(summary, member, _SERVICES[name], _SAME_SERVICE.get(name, ""))
        elif _SUMMARY.fullmatch(name):
            what = f"The summary {name} is about no service that we look for; it is not read."
            document.report(warning("unread_summary", 0, what))
    return reader.rows


def other_payers(document: Members, known: list[BenefitRow]) -> list[BenefitRow]:
    """The other payers that the summaries name, where the rows name none."""
    if any(row.info is Info.OTHER_PAYER for row in known):
        return []
    number = known[-1].segment if known else 0
    found: list[BenefitRow] = []
    for name, role, place, insurance in _named(document):
        number += 1
        entity = Entity(role, name, number, place)
        found.append(
            plain_row(Info.OTHER_PAYER, number, (PLAN,), place)._replace(
                insurance_type=insurance, details=Details(entities=(entity,))
            )
        )
    return found


def _named(document: Members) -> Iterator[tuple[str, Role, str, str]]:
    """Name, role, place and kind of insurance (EB04) of every other payer."""
    others = document.member("OtherPayerInfo")
    for member, role in _PAYERS.items():
        if name := others.text(member):
            yield name, role, others.at(member), ""
    medicare = document.member("MedicareInfoSummary")
    if name := medicare.text("AdvantagePayerName"):
        kind = INSURANCE_WORDS.get(words(medicare.text("AdvantagePolicyType")), "HN")
        yield name, Role.PRIMARY_PAYER, medicare.at("AdvantagePayerName"), kind


def _value(summary: Members, name: str) -> tuple[str, str]:
    """A member's value and the words beside it."""
    value = summary.values.get(name)
    if value is None:
        return "", ""
    if not isinstance(value, dict):
        return summary.number(name), ""
    told = summary.member(name)
    return told.number("Value"), told.number("Notes")


def _words(row: BenefitRow, *texts: str) -> Details:
    """The words beside a row, all of them at its place."""
    place = row.at("info").element
    return details(
        [(text, place) for text in texts if text],
        row.segment,
        spans=(),
        frequencies=(),
        refused=(),
        places=(),
        entities=(),
    )
