"""One coverage card: what the front desk wants to know, in its words and in its order."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cleargate.coverage.services import NAMES
from cleargate.eligibility.places import printable
from cleargate.nouns.coverage import (
    Amount,
    AmountKind,
    AuthorisationNeed,
    Coverage,
    Network,
    Person,
    Reason,
    Settled,
    Verdict,
    VisitLimit,
)
from cleargate.nouns.money import dollars

VERDICTS = {
    Verdict.ACTIVE: ("ACTIVE", "bold green"),
    Verdict.ACTIVE_UNCLEAR: ("ACTIVE, BUT UNCLEAR", "bold yellow"),
    Verdict.INACTIVE: ("NOT ACTIVE", "bold red"),
    Verdict.UNDETERMINED: ("NOT DETERMINED", "bold magenta"),
    Verdict.PENDING: ("NO ANSWER YET", "bold magenta"),
}
_KINDS = {
    AmountKind.COPAY: "Copay",
    AmountKind.COINSURANCE: "Coinsurance",
    AmountKind.DEDUCTIBLE: "Deductible",
    AmountKind.OUT_OF_POCKET: "Out-of-pocket limit",
}
_NETWORKS = {
    Network.IN: "in network",
    Network.OUT: "out of network",
    Network.EITHER: "any network",
    Network.UNSTATED: "network not stated",
}
_PERSONS = {Person.INDIVIDUAL: "patient", Person.FAMILY: "family", Person.UNSTATED: ""}
_NEEDS = {
    AuthorisationNeed.REQUIRED: "needed",
    AuthorisationNeed.NOT_REQUIRED: "not needed",
    AuthorisationNeed.UNSTATED: "not stated",
}


def card(coverage: Coverage, place: str) -> RenderableType:
    """The card of one coverage; `place` says where it was read from."""
    word, style = VERDICTS[coverage.verdict]
    parts: list[RenderableType] = [_facts(coverage)]
    if coverage.amounts:
        parts.append(_amounts(coverage.amounts))
    parts.extend(_text(limit_words(limit)) for limit in coverage.visit_limits)
    parts.extend(_reason(reason) for reason in coverage.reasons)
    parts.extend(_settled(one) for one in coverage.settled)
    title = Text.assemble((word, style), f"  {printable(coverage.payer) or 'payer not named'}")
    return Panel(Group(*parts), title=title, title_align="left", subtitle=_text(place, "dim"))


def _text(text: str, style: str = "") -> Text:
    """A text of the payer's, of which a terminal obeys nothing but the ends of lines."""
    return Text("\n".join(map(printable, text.split("\n"))), style)


def _facts(coverage: Coverage) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    name = ", ".join(part for part in (coverage.family_name, coverage.given_name) if part)
    lines = [
        ("Patient", name),
        ("Member ID", coverage.member_id),
        ("Plan", coverage.plan),
        ("Dates", _dates(coverage)),
        ("Services", _services(coverage)),
        ("Authorization", _NEEDS[coverage.authorisation]),
        ("Referral", _NEEDS[coverage.referral]),
        ("Practice", _practice(coverage.provider_network)),
        ("Other payers", ", ".join(_other(o.name, o.order) for o in coverage.other_payers)),
    ]
    for label, value in lines:
        if value:
            table.add_row(label, _text(value))
    return table


def _dates(coverage: Coverage) -> str:
    begins = f"from {coverage.begins:%m/%d/%Y}" if coverage.begins else ""
    ends = f"to {coverage.ends:%m/%d/%Y}" if coverage.ends else ""
    return f"{begins} {ends}".strip()


def _services(coverage: Coverage) -> str:
    return "\n".join(
        f"{NAMES.get(service.code, 'Service')} ({service.code}): "
        f"{VERDICTS[service.verdict][0].lower()}"
        for service in coverage.services
    )


def _practice(network: Network) -> str:
    said = network in {Network.IN, Network.OUT}
    return f"{_NETWORKS[network]}, says the payer" if said else ""


def _other(name: str, order: str) -> str:
    return f"{name or 'not named'} ({order})" if order else name or "not named"


def _amounts(amounts: tuple[Amount, ...]) -> Table:
    """One line an amount: what, how much, for whom, and the payer's own words."""
    table = Table.grid(padding=(0, 2))
    for amount in amounts:
        kind, size, scope = amount_words(amount)
        table.add_row(kind, _text(size), scope, _text(amount.note, "dim"))
    return table


def amount_words(amount: Amount) -> tuple[str, str, str]:
    """What an amount is, how much, and for whom."""
    left = "" if amount.remaining is None else f", {dollars(amount.remaining)} left"
    if amount.used is not None and not left:
        left = f", {dollars(amount.used)} used"
    scope = (_NETWORKS[amount.network], _PERSONS[amount.person])
    return (
        _KINDS[amount.kind],
        f"{_size(amount)} {_period(amount.period)}".strip() + left,
        ", ".join(part for part in scope if part),
    )


def _size(amount: Amount) -> str:
    if amount.cents is not None:
        return dollars(amount.cents)
    return f"{amount.percent.normalize():f}%" if amount.percent is not None else "total not stated"


def _period(period: str) -> str:
    return f"per {period.replace('_', ' ')}" if period else ""


def limit_words(limit: VisitLimit) -> str:
    """A visit limit in one line."""
    allowed = "a number of" if limit.allowed is None else str(limit.allowed)
    left = "" if limit.remaining is None else f", {limit.remaining} left"
    shared = f"; {limit.shared}" if limit.shared else ""
    services = " ".join(limit.service_types)
    return (
        f"Limit: {allowed} {limit.unit} {_period(limit.period)}{left} "
        f"({services or 'any service'}, {_NETWORKS[limit.network]}){shared}"
    )


def _reason(reason: Reason) -> Text:
    return Text.assemble(
        ("! ", "bold yellow"),
        printable(reason.text),
        ". ",
        (printable(reason.tip), "italic"),
        (f" [{printable(reason.code)}]", "dim"),
    )


def _settled(one: Settled) -> Text:
    return Text.assemble(("= ", "bold green"), one.text, ". ", (f"[{one.rule}, {one.file}]", "dim"))
