"""A patient with a phone in the hand, with and without JavaScript."""

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from cleargate.operations.rehearsal.patient import confirm_contact
from cleargate.sandbox.population import Scenario, SyntheticPerson
from tests.postgres import until
from tests.web.browser.conftest import DESKTOP, PHONE, Open, sign_in
from tests.web.town import SLUG, Town

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("javascript", [True, False], ids=["with-javascript", "without"])
def test_a_patient_asks_mends_a_mistake_confirms_and_sees_the_visit(
    town: Town, open_browser: Open, javascript: bool
) -> None:
    person = town.somebody(Scenario.PLAIN)
    with open_browser(PHONE, javascript) as page:
        page.goto(f"/{SLUG}/")
        _fits(page, javascript)
        _fill(page, person)
        page.get_by_role("button", name="Send the request").click()
        summary = page.locator("#summary")
        expect(summary).to_contain_text("Please correct 2 things")
        _fits(page, javascript)
        summary.get_by_role("link", name="Enter the patient's date of birth.").click()
        if javascript:
            expect(page.locator("#birth_date")).to_be_focused()
        page.locator("#birth_date").fill(f"{person.request.patient.birth_date:%m/%d/%Y}")
        page.locator("#phone").fill(person.request.patient.contact.phone)
        page.get_by_role("button", name="Send the request").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("We have your request")
        _fits(page, javascript)
        status = page.get_by_role("link", name="Where is my request?").get_attribute("href")

        page.goto(town.mail_link(person))
        expect(page.get_by_role("heading", level=1)).to_have_text("Is this request yours?")
        page.get_by_role("button", name="Yes, it is mine").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Thank you, it is confirmed")

        def is_booked() -> bool:
            page.goto(str(status))
            page.locator("#birth_date").fill(f"{person.request.patient.birth_date:%m/%d/%Y}")
            page.get_by_role("button", name="Show my request").click()
            return page.get_by_role("heading", level=1).inner_text() == "Your visit is booked"

        until(is_booked, "the visit was not booked")
        expect(page.locator(".visit")).to_contain_text("Riverside")
        _fits(page, javascript)


@pytest.mark.parametrize("javascript", [True, False], ids=["with-javascript", "without"])
def test_a_patient_who_is_asked_corrects_the_card_s_number_and_is_booked(
    town: Town, open_browser: Open, javascript: bool
) -> None:
    person = town.somebody(Scenario.PLAIN)
    request = person.request
    [policy] = request.insurances
    mistyped = replace(request, insurances=(replace(policy, member_id=f"{policy.member_id}0"),))
    case = town.ask_by_api(replace(person, request=mistyped))
    confirm_contact(town.client, town.mail_link(person))
    with open_browser(DESKTOP) as desk:
        sign_in(town, desk)
        desk.goto(f"/{SLUG}/desk/cases/{case}")
        ask = desk.get_by_role("button", name="Ask the patient")
        expect(ask).to_be_visible(timeout=20_000)
        ask.click()
        expect(desk.locator(".next-sentence")).to_contain_text("reminder", timeout=20_000)
        with open_browser(PHONE, javascript) as page:
            page.goto(town.mail_link(person, "check"))
            page.locator("#birth_date").fill(f"{request.patient.birth_date:%m/%d/%Y}")
            page.get_by_role("button", name="Go on").click()
            _fits(page, javascript)
            expect(page.locator("#primary_member_id")).to_have_value(f"{policy.member_id}0")
            page.locator("#primary_member_id").fill("")
            page.get_by_role("button", name="Send").click()
            expect(page.locator("#summary")).to_contain_text("Please correct one thing")
            _fits(page, javascript)
            page.locator("#primary_member_id").fill(policy.member_id)
            page.get_by_role("button", name="Send").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Thank you")
            _fits(page, javascript)
        expect(desk.locator(".state")).to_have_text("Done", timeout=20_000)


def _fill(page: Page, person: SyntheticPerson) -> None:
    """Everything but the birth date; the phone is wrong, the payer not quite what it is called."""
    patient, [insurance] = person.request.patient, person.request.insurances
    page.get_by_label("First name").first.fill(patient.name.given)
    page.get_by_label("Last name").first.fill(patient.name.family)
    page.get_by_label("Female" if patient.sex == "female" else "Male", exact=True).check()
    page.get_by_label("E-mail", exact=True).fill(patient.contact.email)
    page.get_by_label("Phone", exact=True).fill("12")
    page.get_by_label("You may write to me by e-mail").check()
    page.get_by_label("First evaluation").check()
    page.get_by_label("What brings you to us?").fill(person.request.reason)
    page.locator("#primary_payer").fill(insurance.payer_name)
    page.locator("#primary_member_id").fill(insurance.member_id)
    page.locator("#primary_group").fill(insurance.group)


def _fits(page: Page, javascript: bool) -> None:
    """Nothing sticks out at the side of the screen."""
    if javascript:
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= PHONE["width"]


@pytest.mark.parametrize("javascript", [True, False], ids=["with-javascript", "without"])
def test_a_payers_name_that_is_not_quite_right_is_offered_to_choose_from(
    open_browser: Open, javascript: bool
) -> None:
    with open_browser(PHONE, javascript) as page:
        page.goto(f"/{SLUG}/")
        page.locator("#primary_payer").press_sequentially("united health")
        if not javascript:
            page.get_by_role("button", name="Send the request").click()
        choice = page.get_by_label("UnitedHealthcare", exact=True)
        choice.check()
        expect(choice).to_be_checked()


def test_only_what_the_answers_call_for_is_shown(open_browser: Open) -> None:
    with open_browser(PHONE) as page:
        page.goto(f"/{SLUG}/")
        member, claim = page.locator("#primary_member_id"), page.locator("#claim_number")
        expect(member).to_be_visible()
        expect(claim).to_be_hidden()
        page.get_by_label("Workers' compensation").check()
        expect(member).to_be_hidden()
        expect(claim).to_be_visible()
