"""Which fields of the request a payer's answer makes doubtful: the patient may be asked. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from cleargate.nouns.case import Case
from cleargate.nouns.coverage import Coverage, ReasonKind
from cleargate.nouns.gate import Choice, Gate

_RANKS = ("primary", "secondary")
_HOLDER = ("subscriber_given", "subscriber_family", "subscriber_birth_date", "subscriber_sex")
_POLICY = ("payer", "payer_id", "member_id", "group", "relationship", *_HOLDER)
_OF_POLICY = {"member_id": ("member_id",), "group": ("group",), "payer": _POLICY}
_OF_PERSON = {"name": ("given", "family"), "birth_date": ("birth_date",), "sex": ("sex",)}
"""The fields of the form behind the `field` of a reason (see coverage/reasons.toml)."""
_IDENTITY = ("name", "birth_date")
_NOT_FOUND = ("AAA:67", "AAA:75")
_OTHERS_MATTER = (ReasonKind.ASK_AGAIN_LATER, ReasonKind.ENROLMENT)
"""What a busy payer or a missing enrolment needs is nothing that the patient could say."""

_LABELS = {
    "payer": "insurance company",
    "member_id": "member ID",
    "group": "group number",
    "given": "name",
    "birth_date": "birth date",
    "sex": "sex",
}


def in_answer(case: Case, rank: int, coverage: Coverage) -> tuple[str, ...]:
    """The fields that the reasons of an answer about a policy name; rank is 1 for primary.

    Whom a payer does not find at all, it may have under another name or birth date as well.
    """
    reasons = [each for each in coverage.reasons if each.kind not in _OTHERS_MATTER]
    unknown = [name for each in reasons if each.code in _NOT_FOUND for name in _IDENTITY]
    return _fields(case, rank, (*(each.field for each in reasons), *unknown))


def in_identity(case: Case, rank: int) -> tuple[str, ...]:
    """The fields by which a payer tells one person from another."""
    return _fields(case, rank, (*_IDENTITY, "member_id"))


def in_policy(case: Case, rank: int) -> tuple[str, ...]:
    """The whole policy: the company is unknown, or another card is to be shown."""
    return _fields(case, rank, ("payer",))


def offered(gate: Gate, case: Case, fields: tuple[str, ...]) -> Gate:
    """The gate with asking the patient as its first choice, where there is something to ask."""
    if not (fields and case.mail_address):
        return gate
    return replace(gate, choices=(Choice.ASK_PATIENT, *gate.choices), doubtful=fields)


def labels(fields: Iterable[str]) -> str:
    """Fields as the desk calls them: `member ID, birth date`."""
    bare = (field.partition("_")[2] if field.startswith(_RANKS) else field for field in fields)
    return ", ".join(dict.fromkeys(_LABELS[each] for each in bare if each in _LABELS))


def _fields(case: Case, rank: int, named: Iterable[str]) -> tuple[str, ...]:
    """Each field once. A time that is held is held under a name: that stays as it is."""
    insurance = case.request.insurances[rank - 1]
    found: list[str] = []
    for name in named:
        if name in _OF_POLICY:
            found += (f"{_RANKS[rank - 1]}_{each}" for each in _OF_POLICY[name])
        elif name in _OF_PERSON and not (case.memo.booking_id and name in _IDENTITY):
            found += _OF_PERSON[name]
            if insurance.subscriber is not None:
                holder = (f"{_RANKS[rank - 1]}_subscriber_{each}" for each in _OF_PERSON[name])
                found += holder
    return tuple(dict.fromkeys(found))
