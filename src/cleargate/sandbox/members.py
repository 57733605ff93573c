"""Who is insured where, and how a payer identifies somebody in a question."""

from dataclasses import dataclass
from enum import StrEnum

from cleargate.sandbox.question import Identity, Question
from cleargate.sandbox.trees import Tree, text, trees, whole


class State(StrEnum):
    """What a payer has to say about a member."""

    ACTIVE = "active"
    ACTIVE_UNCLEAR = "active_unclear"
    INACTIVE = "inactive"
    AUTH_REQUIRED = "auth_required"
    REFERRAL_NEEDED = "referral_needed"
    OTHER_PAYER_PRIMARY = "other_payer_primary"
    WRONG_PATIENT = "wrong_patient"
    TRUNCATED = "truncated"
    AAA_71 = "aaa_71"
    AAA_72 = "aaa_72"
    AAA_73 = "aaa_73"
    AAA_75 = "aaa_75"
    AAA_42_THEN_ACTIVE = "aaa_42_then_active"
    AAA_42_ALWAYS = "aaa_42_always"


_NOBODY = Identity()
RELATIONS = {"spouse": "01", "child": "19", "other": "G8"}


@dataclass(frozen=True, slots=True)
class Member:
    """A policy: the subscriber, the dependents with their X12 relationship code, the state."""

    payer: str
    member_id: str
    group: str
    subscriber: Identity
    dependents: tuple[tuple[Identity, str], ...]
    state: State
    tries: int


@dataclass(frozen=True, slots=True)
class Finding:
    """Whom a payer found: a member and the patient within the policy, or a reject code."""

    member: Member | None = None
    patient: Identity = _NOBODY
    relation: str = ""
    reject: str = ""


def member(entry: Tree) -> Member:
    """Read an enrolment of `POST /_admin/people`. Raises ValueError for a state that is none."""
    return Member(
        payer=text(entry, "payer"),
        member_id=text(entry, "member_id"),
        group=text(entry, "group"),
        subscriber=_identity(entry),
        dependents=tuple(
            (_identity(found), RELATIONS.get(text(found, "relationship"), "G8"))
            for found in trees(entry, "dependents")
        ),
        state=State(text(entry, "state") or State.ACTIVE),
        tries=whole(entry, "tries", default=2),
    )


def _identity(entry: Tree) -> Identity:
    sex = {"female": "F", "male": "M"}.get(text(entry, "sex"), "U")
    birth = text(entry, "birth_date").replace("-", "")
    return Identity(text(entry, "family"), text(entry, "given"), birth, sex)


class Register:
    """All members of all payers."""

    def __init__(self) -> None:
        self._members: dict[tuple[str, str], Member] = {}

    def enrol(self, found: Member) -> bool:
        """Take a member in; False when exactly that was known."""
        key = (found.payer, found.member_id.upper())
        if self._members.get(key) == found:
            return False
        self._members[key] = found
        return True

    def find(self, question: Question) -> Finding:
        """Identify the patient as payers do: member id, then birth date, then name."""
        found = self._members.get((question.payer, question.member_id.upper()))
        if found is None:
            return Finding(reject="72" if self._known_otherwise(question) else "75")
        if question.dependent is None:
            reject = _compare(question.subscriber, found.subscriber)
            return Finding(found, found.subscriber, "", reject)
        for dependent, relation in found.dependents:
            if not _compare(question.dependent, dependent):
                return Finding(found, dependent, relation)
        return Finding(found, reject="67")

    def stranger(self, found: Member) -> Identity:
        """Somebody else of the same payer, for an answer about the wrong patient."""
        for other in self._members.values():
            if other.payer == found.payer and other.member_id != found.member_id:
                return other.subscriber
        return Identity("STRANGER", "SAMPLE", "19010101", "U")

    def _known_otherwise(self, question: Question) -> bool:
        return any(
            key[0] == question.payer and not _compare(question.subscriber, known.subscriber)
            for key, known in self._members.items()
        )


def _compare(asked: Identity, known: Identity) -> str:
    if asked.birth != known.birth:
        return "71"
    return "" if asked.same_name(known) else "73"
