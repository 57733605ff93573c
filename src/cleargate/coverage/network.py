"""Which network a row is for: from the payer's flag, or from its words, never from a guess.

Seen: `EB*C*IND*30***23*1000*****N` with `MSG*CALENDAR YEAR DEDUCTIBLE - IN NETWORK`. Also words
about the asking provider that say nothing about the row: Cigna's "Healthcare professional is in
network based on NPI ID provided in request."
"""

import re
from collections.abc import Sequence

from cleargate.coverage.reasons import Doubt, reason
from cleargate.coverage.rows import BenefitRow, Message
from cleargate.nouns.coverage import Network

_ONE_SIDED = frozenset({Network.IN, Network.OUT})
_BOTH = re.compile(r"\bIN[- ]?(?:AND|OR|/|&)[- ]?OUT[- ]OF[- ]|\bIN/OUT\b")
_OUT = re.compile(
    r"\bOUT[- ]OF[- ](?:PLAN[- ])?NETWORK|\bOUT[- ]NETWORK|\bOON\b|\bNON[- ]?(?:PLAN[- ])?NETWORK"
    r"|\bNON[- ]?PAR(?:TICIPATING)?\b|\bNOT IN[- ]NETWORK"
)
_IN = re.compile(r"\bIN[- ](?:PLAN[- ])?NETWORK|\bINN\b|\bIN[- ]NTWK\b|(?<!NON[- ])\bPAR PROV")
_NAMED = re.compile(r"NETW|NTWK|\bINN\b|\bOON\b|PAR")
_SIDE = r"(?:IN|OUT[- ]OF)[- ]NETWORK"
_ELSEWHERE = re.compile(
    rf"\bACCUMULAT\w*\s+(?:WITH|TO|TOWARDS?)\s+{_SIDE}"
    rf"|\b(?:AFTER|SUBJECT TO)\s+(?:THE\s+)?{_SIDE}\s+DEDUCTIBLE"
    rf"|\b{_SIDE}\s+(?:\w+\s+)?DEDUCTIBLE\s+(?:APPLIES|WAIVED|DOES NOT APPLY)"
)
"""Words about another amount's network. Seen with Blue Cross of Massachusetts: in network,
`ACCUMULATES WITH OUT-OF-NETWORK AMOUNTS`; out of network, `AFTER IN-NETWORK DEDUCTIBLE`."""
_PROVIDER = re.compile(
    r"\b(?:PROFESSIONAL|PROVIDER|PHYSICIAN)\b.{0,20}?\bIS\s+(NOT\s+|OUT[- ]OF[- ]|NON[- ])?"
    r"(?:CURRENTLY\s+)?(?:IN[- ])?(?:PLAN[- ])?(?:NETWORK|PARTICIPATING)"
)


def effective_network(row: BenefitRow) -> tuple[Network, Doubt | None]:
    """The network of a row; UNSTATED with a doubt when flag and words contradict each other."""
    if not row.messages:
        return row.network, None
    said = [(message, network) for message in row.messages if (network := _in_words(message))]
    networks = {network for _, network in said}
    if not networks:
        return row.network, None
    in_words = networks.pop() if len(networks) == 1 else Network.EITHER
    if row.network in {Network.UNSTATED, Network.EITHER}:
        return in_words, None
    if in_words in {row.network, Network.EITHER}:
        return row.network, None
    sources = (row.at("network"), *(message.source for message, _ in said))
    doubt = Doubt(reason("network_disagrees", sources), row.reach, stops=True)
    return Network.UNSTATED, doubt


def provider_network(rows: Sequence[BenefitRow]) -> Network:
    """Whether the payer says that the asking provider is in network; contradiction: UNSTATED."""
    found = {
        Network.OUT if match[1] else Network.IN
        for row in rows
        for message in row.messages
        if (match := _PROVIDER.search(message.text.upper()))
    }
    return found.pop() if len(found) == 1 else Network.UNSTATED


def restricts_to_network(row: BenefitRow) -> bool:
    """Whether a restriction names no provider and only says who counts as in or out of network.

    Seen: Blue Cross of Massachusetts, in network `PPO PROVIDER NETWORK`, out of network `ANY
    LICENSED HEALTH CARE PROVIDER IN A COVERED PROVIDER CATEGORY`.
    """
    if row.details.entities or row.network not in _ONE_SIDED:
        return False
    return row.network is Network.OUT or "PROVIDER NETWORK" in row.text


def overlap(one: Network, other: Network) -> bool:
    """Whether two values can be for the same visit."""
    return one is other or one not in _ONE_SIDED or other not in _ONE_SIDED


def _in_words(message: Message) -> Network | None:
    text = message.text.upper()
    if not _NAMED.search(text) or _PROVIDER.search(text):
        return None
    text = _ELSEWHERE.sub(" ", text)
    if _BOTH.search(text):
        return Network.EITHER
    out, inside = bool(_OUT.search(text)), bool(_IN.search(_OUT.sub(" ", text)))
    if out == inside:
        return Network.EITHER if out else None
    return Network.OUT if out else Network.IN
