"""What each page shows: one frozen value per template, ready to be read by a person.

Times, money and codes are words by now (see words.py). A template gets its value as `view`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cleargate.nouns.ids import CaseId


@dataclass(frozen=True, slots=True)
class Site:
    """The practice whose page it is. `home` is the address of its request form."""

    practice: str
    phone: str
    home: str


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a list to choose from."""

    value: str
    label: str
    hint: str = ""


# ---- The patient's pages ----


@dataclass(frozen=True, slots=True)
class PayerMatches:
    """`intake/_payer_matches.html`: payers close to what was typed. `rank` is primary or secondary.

    `chosen` is the id that the patient picked, if any.
    """

    rank: str
    options: tuple[Option, ...] = ()
    chosen: str = ""


@dataclass(frozen=True, slots=True)
class FormView:
    """The request form, in `intake/form.html` and, with `csrf`, in `desk/phone_request.html`.

    `values` and `errors` go by field name. `today` and `latest` are ISO dates that bound the first
    possible day. `payer_search` is where the matches are asked from, by POST with what was typed
    in `primary_payer` or `secondary_payer`.
    """

    site: Site
    action: str
    nonce: str
    today: str
    latest: str
    visit_types: tuple[Option, ...]
    payer_names: tuple[str, ...]
    payer_search: str
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    primary_matches: PayerMatches = PayerMatches("primary")
    secondary_matches: PayerMatches = PayerMatches("secondary")
    csrf: str = ""

    def autocomplete(self, token: str) -> str:
        """What the browser may fill in and keep: at the desk, which many share, nothing."""
        return "off" if self.csrf else token

    def matches(self, rank: str) -> PayerMatches:
        """The payers to pick from for the primary or the secondary policy."""
        return self.primary_matches if rank == "primary" else self.secondary_matches

    def any(self, *prefixes: str) -> bool:
        """Whether a field that begins so is filled or wrong; its section is then shown open."""
        filled = {name for name, value in self.values.items() if value} | set(self.errors)
        return any(name.startswith(prefixes) for name in filled)


@dataclass(frozen=True, slots=True)
class ReceivedView:
    """`intake/received.html`: the same for everybody, whatever a payer says."""

    site: Site
    status_url: str


@dataclass(frozen=True, slots=True)
class ConfirmView:
    """`intake/confirm.html`: a button, and after it a thank-you; opening the page does nothing."""

    site: Site
    action: str
    done: bool = False


@dataclass(frozen=True, slots=True)
class BirthDateView:
    """`intake/birth_date.html`: the birth date, before stored data is shown."""

    site: Site
    action: str
    error: str = ""
    headline: str = "Where is my request?"
    button: str = "Show my request"


@dataclass(frozen=True, slots=True)
class CheckView:
    """`intake/check.html`: the details that are doubtful, to be checked by the patient.

    `doubtful` are the names of the form's fields; `proof` is the birth date that opened the page,
    empty where it is among them.
    """

    site: Site
    form: FormView
    doubtful: frozenset[str]
    proof: str = ""

    def asks(self, *names: str) -> bool:
        """Whether one of these fields is among the doubtful ones."""
        return not self.doubtful.isdisjoint(names)


@dataclass(frozen=True, slots=True)
class StatusView:
    """`intake/status.html`. `visit` is the booked time, empty while there is none."""

    site: Site
    headline: str
    detail: str
    visit: str = ""
    place: str = ""
    withdraw_action: str = ""


@dataclass(frozen=True, slots=True)
class ErrorView:
    """`error.html`: what went wrong and the way out; `site` is None where no practice is known."""

    title: str
    text: str
    site: Site | None = None
    back: str = ""


@dataclass(frozen=True, slots=True)
class AgainView:
    """`again.html`: it could not be kept now; what was typed is in the page, to be sent again."""

    title: str
    text: str
    action: str
    fields: Mapping[str, str]
    site: Site | None = None


# ---- The desk's pages ----


@dataclass(frozen=True, slots=True)
class Desk:
    """What every page of the desk shows. `banners` are connections in trouble, in words."""

    site: Site
    staff: str
    csrf: str
    gates_url: str
    phone_request_url: str
    password_url: str
    sign_out_url: str
    open_gates: int = 0
    banners: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PasswordView:
    """`desk/password.html`: the old password and a new one; afterwards, that it is done."""

    desk: Desk
    action: str
    length_min: int
    error: str = ""
    done: bool = False


@dataclass(frozen=True, slots=True)
class SignInView:
    """`desk/sign_in.html`. `error` never says which of name and password was wrong."""

    site: Site
    action: str
    csrf: str
    username: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class GateRow:
    """One case that waits for a person. `patient` is initials; `waited_since` the exact time."""

    url: str
    why: str
    patient: str
    payer: str
    visit: str
    age: str
    waited_since: str
    attempts: int
    case: CaseId


@dataclass(frozen=True, slots=True)
class GatesView:
    """`desk/gates.html`: whatever needs somebody, oldest first. Empty `next_url` ends the list.

    `url` is this page's own address, from which it looks for news.
    """

    desk: Desk
    url: str
    rows: tuple[GateRow, ...]
    next_url: str = ""
    previous_url: str = ""


@dataclass(frozen=True, slots=True)
class FactRow:
    """One line of facts. `differs` marks a value that the record or the payer has otherwise."""

    label: str
    value: str
    differs: bool = False


@dataclass(frozen=True, slots=True)
class FactGroup:
    """Facts that belong together."""

    title: str
    rows: tuple[FactRow, ...]


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One try. `exact` is the full time, for hover; `code` and `ref` are the vendor's and ours."""

    when: str
    exact: str
    connection: str
    outcome: str
    ok: bool
    took: str
    code: str = ""
    request_id: str = ""
    ref: str = ""
    next_try: str = ""


@dataclass(frozen=True, slots=True)
class StepCard:
    """One step of the case, with every try of it. `state` is done, waiting, failed or person."""

    title: str
    state: str
    summary: str
    attempts: tuple[AttemptRow, ...] = ()


@dataclass(frozen=True, slots=True)
class AmountRow:
    """One cost-sharing value: what, for whom, how much, what is left, and where it stands."""

    label: str
    scope: str
    value: str
    remaining: str
    source: str


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """Why a verdict is what it is, and our tip. `code` is the payer's own, empty for our words."""

    code: str
    text: str
    tip: str
    sources: str = ""


@dataclass(frozen=True, slots=True)
class CoverageCard:
    """What one payer said. `verdict` is the code of nouns/coverage, `verdict_words` its words."""

    rank: str
    payer: str
    verdict: str
    verdict_words: str
    asked: str
    facts: tuple[FactRow, ...] = ()
    amounts: tuple[AmountRow, ...] = ()
    reasons: tuple[ReasonRow, ...] = ()


@dataclass(frozen=True, slots=True)
class ChoiceButton:
    """One choice: `needs_offer` says that one of the offers has to be picked with it.

    `url` is of the page on which the choice is made, empty where the button makes it.
    """

    value: str
    label: str
    effect: str
    needs_offer: bool = False
    careful: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class DecisionForm:
    """The open gate: why, the way out, the evidence and its version, and what may be decided.

    `note` is what was typed in a decision that could not be carried out. `call` is whom to call.
    """

    action: str
    why: str
    tip: str
    version: int
    facts: tuple[FactRow, ...]
    choices: tuple[ChoiceButton, ...]
    offers: tuple[Option, ...] = ()
    note: str = ""
    call: Option | None = None


@dataclass(frozen=True, slots=True)
class PastDecision:
    """What somebody decided before."""

    why: str
    choice: str
    by: str
    when: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Something else that may be done with the case: one button, or a page to go to."""

    url: str
    label: str
    effect: str
    is_page: bool = False


@dataclass(frozen=True, slots=True)
class CaseView:
    """`desk/case.html`. `what_next` is the sentence; `live` while work goes on by itself.

    `url` is this page's own address; it holds no patient's data and may be passed on. `error` says
    why a decision was not carried out.
    """

    desk: Desk
    url: str
    title: str
    state: str
    what_next: str
    facts: tuple[FactGroup, ...]
    steps: tuple[StepCard, ...]
    coverages: tuple[CoverageCard, ...] = ()
    decision: DecisionForm | None = None
    decided: tuple[PastDecision, ...] = ()
    photos: tuple[Option, ...] = ()
    actions: tuple[Action, ...] = ()
    live: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class EditRequestView:
    """`desk/edit_request.html`: the request of a case, to be corrected by staff."""

    desk: Desk
    form: FormView
    case_url: str


@dataclass(frozen=True, slots=True)
class PhoneRequestView:
    """`desk/phone_request.html`: the intake form, filled in by staff during a call."""

    desk: Desk
    form: FormView
