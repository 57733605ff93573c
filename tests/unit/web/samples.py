"""One view of each page, as a practice could see it; every person is made up."""

from dataclasses import replace
from uuid import UUID

from cleargate.nouns.ids import CaseId
from cleargate.web.views import (
    Action,
    AgainView,
    AmountRow,
    AttemptRow,
    BirthDateView,
    CaseView,
    CheckView,
    ChoiceButton,
    ConfirmView,
    CoverageCard,
    DecisionForm,
    Desk,
    EditRequestView,
    ErrorView,
    FactGroup,
    FactRow,
    FormView,
    GateRow,
    GatesView,
    Option,
    PasswordView,
    PastDecision,
    PayerMatches,
    PhoneRequestView,
    ReasonRow,
    ReceivedView,
    SignInView,
    Site,
    StatusView,
    StepCard,
)

SITE = Site("Sample Creek Physical Therapy", "(214) 555-0100", "/p/sample-creek")
DESK = Desk(
    site=SITE,
    staff="Dana Sample",
    csrf="csrf-token",
    gates_url="/desk",
    phone_request_url="/desk/phone",
    password_url="/desk/password",
    sign_out_url="/desk/sign-out",
    open_gates=3,
    banners=("Aetna has not answered since 8:52 AM. Requests are taken; checks are tried again.",),
)

FORM = FormView(
    site=SITE,
    action="/p/sample-creek",
    nonce="nonce-value",
    today="2026-11-23",
    latest="2027-11-23",
    visit_types=(
        Option("eval", "First visit (evaluation)", "60 minutes"),
        Option("follow", "Follow-up", "30 minutes"),
    ),
    payer_names=("Aetna", "Cigna", "UnitedHealthcare"),
    payer_search="/p/sample-creek/payers",
)

FILLED = {
    "given": "Robin",
    "family": "Testperson",
    "birth_date": "3/14/85",
    "sex": "female",
    "email": "robin@sample",
    "reason": "Knee pain <b>after</b> a fall",
    "visit_type": "follow",
    "payment": "insurance",
    "primary_payer": "etna",
    "primary_relationship": "spouse",
    "wish_1_weekday": "0",
    "wish_1_part": "morning",
    "mail_consent": "yes",
}

FORM_WITH_MISTAKES = replace(
    FORM,
    values=FILLED,
    errors={
        "birth_date": "Enter a date as month, day and four-digit year: 03/14/1985.",
        "email": "Enter an e-mail address such as name@example.com.",
        "primary_member_id": "Enter the member ID on the card.",
        "primary_subscriber_given": "Enter the policy holder's first name.",
    },
    primary_matches=PayerMatches(
        "primary",
        (Option("aetna", "Aetna"), Option("aetna-medicare", "Aetna Medicare")),
        "aetna",
    ),
)

GATES = GatesView(
    DESK,
    "/desk",
    (
        GateRow(
            "/desk/cases/1", "Coverage has ended: ask for newer insurance", "R.T.", "Aetna",
            "Tue 9:40 AM", "3 h", "Mon Nov 23, 6:31 AM", 4, CaseId(UUID(int=1)),
        ),
        GateRow(
            "/desk/cases/2", "May be a known patient: compare the records", "K.S.", "",
            "", "26 min", "Mon Nov 23, 9:05 AM", 1, CaseId(UUID(int=1)),
        ),
        GateRow(
            "/desk/cases/3", "Plan is active, this service is unclear: call the payer", "A.D.",
            "Blue Cross Blue Shield of Massachusetts", "Thu 2:00 PM", "just now",
            "Mon Nov 23, 9:31 AM", 12, CaseId(UUID(int=1)),
        ),
    ),
)  # fmt: skip

NO_GATES = GatesView(
    Desk(
        SITE,
        "Dana Sample",
        "csrf-token",
        "/desk",
        "/desk/phone",
        "/desk/password",
        "/desk/sign-out",
    ),
    "/desk",
    (),
)

COVERAGE = CoverageCard(
    rank="Primary",
    payer="Aetna",
    verdict="active_unclear",
    verdict_words="Active, this service is unclear",
    asked="Asked today 9:12 AM for Tue Dec 1, trace 000112233",
    facts=(
        FactRow("Plan", "Open Choice PPO"),
        FactRow("In force", "Jan 1, 2026 to Dec 31, 2026"),
        FactRow("Authorization", "Required", differs=True),
        FactRow("Visits", "12 of 30 left this year, shared with occupational therapy"),
        FactRow("Other payer", "Sample Mutual (secondary), ask the patient"),
    ),
    amounts=(
        AmountRow("Copay", "in network, visit", "$40.00", "", "31:EB07"),
        AmountRow("Coinsurance", "in network", "20%", "", "33:EB08"),
        AmountRow("Deductible", "individual, in network, year", "$1,500.00", "$320.00", "36:EB07"),
        AmountRow(
            "Out-of-pocket maximum", "family, in network, year", "$9,000.00", "$4,112.50", "41:EB07"
        ),
    ),
    reasons=(
        ReasonRow(
            "carve_out",
            "PHYSICAL THERAPY ADMINISTERED BY ANOTHER ENTITY",
            "Ask the payer who administers physical therapy, and check there.",
            "28:MSG",
        ),
    ),
)

CASE = CaseView(
    desk=DESK,
    url="/desk/cases/3",
    title="Robin Testperson",
    state="In progress",
    what_next="It waits for you: decide, and it goes on at once.",
    facts=(
        FactGroup(
            "Patient",
            (
                FactRow("Born", "Mar 14, 1985 (41)"),
                FactRow("Sex", "Female"),
                FactRow("Phone", "(214) 555-0123", differs=True),
                FactRow("E-mail", "robin.testperson@mail.sample.example"),
                FactRow("Record", "known since before, no. 20417"),
            ),
        ),
        FactGroup(
            "Visit",
            (
                FactRow("Kind", "First visit (evaluation)"),
                FactRow("Reason", "Knee pain after a fall on the stairs"),
                FactRow("From", "Tue Dec 1"),
                FactRow("Wishes", "Monday morning; Thursday"),
            ),
        ),
        FactGroup(
            "Insurance",
            (FactRow("Primary", "Aetna, W123 45 6789"), FactRow("Holder", "the patient")),
        ),
    ),
    steps=(
        StepCard(
            "Look for the patient",
            "done",
            "known patient, today 9:11 AM",
            (
                AttemptRow(
                    "today 9:11 AM", "2026-11-23 09:11:02 CST", "ehr", "Done", True, "0.4 s"
                ),
            ),
        ),
        StepCard(
            "Ask the payer",
            "done",
            "2 tries",
            (
                AttemptRow(
                    "today 9:11 AM", "2026-11-23 09:11:03 CST", "clearinghouse", "No answer",
                    False, "14 s", code="503", next_try="9:12 AM",
                ),
                AttemptRow(
                    "today 9:12 AM", "2026-11-23 09:12:07 CST", "clearinghouse", "Done", True,
                    "2.1 s", request_id="c0ffee", ref="5f2b1c0de4b94e0ab8.ask1.1",
                ),
            ),
        ),
        StepCard("Call the payer", "person", "waits for a decision since 9:12 AM"),
        StepCard("E-mail: your visit", "failed", "refused", (
            AttemptRow("today 9:13 AM", "2026-11-23 09:13:00 CST", "mail", "Refused", False,
                       "0.1 s", code="550"),
        )),
        StepCard("Book the visit", "waiting", "after the decision"),
    ),
    coverages=(COVERAGE,),
    decision=DecisionForm(
        action="/desk/gates/3",
        why="Plan is active, this service is unclear: call the payer",
        tip="Ask the payer who administers physical therapy, and check there.",
        version=2,
        facts=(FactRow("Payer", "Aetna"), FactRow("Plan", "Open Choice PPO")),
        choices=(
            ChoiceButton("go_on", "Go on", "Goes on as it stands; you vouch for it."),
            ChoiceButton("take_opening", "Book this time", "Books the time that you pick.", True),
            ChoiceButton("decline", "Decline", "No visit; a held time is given back.", careful=True),  # noqa: E501
        ),
        offers=(
            Option("0", "Tue Dec 1, 9:40 AM with Dana Sample, PT, Main Office"),
            Option("1", "Wed Dec 2, 2:00 PM with Robin Sample, PT, Main Office"),
        ),
    ),
    decided=(
        PastDecision("Patient's details have changed: check them", "I have checked", "Dana Sample",
                     "today 9:10 AM"),
    ),
    photos=(Option("/desk/photos/1", "Card, front"),),
    actions=(
        Action("/desk/cases/3/edit", "Correct the request", "They call.", is_page=True),
        Action("/desk/cases/3/withdraw", "Withdraw", "The patient does not want it."),
    ),
    live=True,
)  # fmt: skip

PAGES = {
    "intake/form.html": (FORM, FORM_WITH_MISTAKES),
    "intake/_payer_matches.html": (FORM_WITH_MISTAKES.primary_matches, PayerMatches("secondary")),
    "intake/received.html": (ReceivedView(SITE, "/p/sample-creek/status/token"),),
    "intake/confirm.html": (
        ConfirmView(SITE, "/confirm/token"),
        ConfirmView(SITE, "", done=True),
    ),
    "intake/birth_date.html": (
        BirthDateView(SITE, "/status/token"),
        BirthDateView(SITE, "/status/token", "That is not the date we have. 4 tries left."),
        BirthDateView(SITE, "/check/token", "", "Please check your request", "Go on"),
    ),
    "intake/check.html": (
        CheckView(SITE, FORM, frozenset({"primary_member_id"}), "02/28/1990"),
        CheckView(
            SITE,
            replace(FORM, errors={"given": "Enter the first name.", "form": "Please call us."}),
            frozenset(
                {
                    "given",
                    "birth_date",
                    "sex",
                    "primary_payer",
                    "secondary_group",
                    "secondary_subscriber_given",
                    "secondary_subscriber_birth_date",
                    "secondary_subscriber_sex",
                }
            ),
        ),
    ),
    "intake/status.html": (
        StatusView(SITE, "We are working on it", "You will hear from us by mail or phone."),
        StatusView(
            SITE,
            "Your visit is booked",
            "To change it, call us.",
            "Tuesday, December 1, 2026 at 9:40 AM",
            "Main Office, 1 Sample Street",
            "/status/token/withdraw",
        ),
    ),
    "error.html": (
        ErrorView("This page is not here", "The link may have ended.", SITE, "/p/sample-creek"),
        ErrorView("Something broke", "Please try again in a minute."),
    ),
    "again.html": (
        AgainView("We cannot do this just now", "Try again.", "/p/", {"family": "O'Hara"}, SITE),
    ),
    "desk/sign_in.html": (
        SignInView(SITE, "/desk/sign-in", "csrf-token"),
        SignInView(SITE, "/desk/sign-in", "csrf-token", "dana", "Name or password is wrong."),
    ),
    "desk/password.html": (
        PasswordView(DESK, "/desk/password", 12),
        PasswordView(DESK, "/desk/password", 12, "The password is too short."),
        PasswordView(DESK, "/desk/password", 12, done=True),
    ),
    "desk/gates.html": (GATES, NO_GATES),
    "desk/case.html": (CASE, CaseView(DESK, "/desk/cases/9", "K.S.", "Done", "Nothing.", (), ())),
    "desk/edit_request.html": (
        EditRequestView(DESK, replace(FORM, csrf=DESK.csrf), "/desk/cases/9"),
    ),
    "desk/phone_request.html": (PhoneRequestView(DESK, replace(FORM, csrf=DESK.csrf)),),
}
