"""Somebody at the desk, with a keyboard only."""

from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from cleargate.operations.rehearsal.patient import confirm_contact, post_request
from cleargate.sandbox.population import Scenario
from tests.postgres import until
from tests.web.browser.conftest import DESKTOP, PHONE, Open, sign_in
from tests.web.town import SLUG, Town

pytestmark = pytest.mark.browser

TABS_MAX = 60
UNCLEAR = "Plan is active, this service is unclear: call the payer"


def _tab_to(page: Page, text: str) -> None:
    """Press Tab until a control with this text has the focus."""
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText || ''").strip() == text:
            return
    raise AssertionError("the keyboard does not lead there")


def test_a_gate_appears_by_itself_and_is_decided_by_keyboard(
    town: Town, open_browser: Open
) -> None:
    person = town.somebody(Scenario.UNCLEAR)
    case = town.ask_by_api(person)
    with open_browser(DESKTOP) as page:
        sign_in(town, page)
        page.goto(f"/{SLUG}/desk/cases/{case}")
        name = person.request.patient.name
        expect(page.get_by_role("heading", level=1)).to_have_text(f"{name.given} {name.family}")
        expect(page.locator(".decision")).to_have_count(0)
        confirm_contact(town.client, town.mail_link(person))
        expect(page.locator(".decision h2")).to_have_text(UNCLEAR, timeout=20_000)

        page.goto(f"/{SLUG}/desk")
        _tab_to(page, UNCLEAR)
        page.keyboard.press("Enter")
        expect(page.locator(".coverage")).to_contain_text("Active, this service is unclear")
        expect(page.locator(".coverage .amounts")).to_be_visible()
        _tab_to(page, "Go on")
        page.keyboard.press("Enter")
        expect(page.locator(".past")).to_contain_text("Go on")
        expect(page.locator(".state")).to_have_text("Done", timeout=20_000)
        expect(page.locator(".steps")).to_contain_text("Book the visit")
        expect(page.locator(".decision")).to_have_count(0)


def test_signing_out_in_one_window_clears_the_screen_of_the_other(
    town: Town, open_browser: Open
) -> None:
    person = town.somebody(Scenario.PLAIN)
    case = town.ask_by_api(person)
    with open_browser(DESKTOP) as page:
        sign_in(town, page)
        page.goto(f"/{SLUG}/desk/cases/{case}")
        family = page.get_by_text(person.request.patient.name.family)
        expect(family).not_to_have_count(0)
        elsewhere = page.context.new_page()
        elsewhere.goto(f"/{SLUG}/desk")
        elsewhere.get_by_role("button", name="Sign out").click()
        page.wait_for_url(f"**/{SLUG}/desk/sign-in")
        expect(family).to_have_count(0)


def test_every_page_of_the_desk_fits_a_phone(town: Town, open_browser: Open) -> None:
    person = town.somebody(Scenario.WORKERS_COMPENSATION)
    post_request(town.client, SLUG, person)
    with open_browser(PHONE) as page:
        sign_in(town, page)
        row = page.get_by_role("link", name="Accident claim: call the adjuster")
        until(lambda: bool(page.reload()) and row.count() == 1, "no gate has opened")
        _fits(page)
        row.click()
        expect(page.get_by_role("button", name="The claim is good")).to_be_visible()
        _fits(page)
        page.get_by_role("link", name="Request by phone").click()
        _fits(page)


def _fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_an_insurance_company_that_was_not_found_is_corrected_on_a_phone(
    town: Town, open_browser: Open
) -> None:
    person = town.somebody(Scenario.PLAIN)
    [policy] = person.request.insurances
    mistyped = replace(policy, payer_id="", payer_name="Sample Village Plan")
    case = town.ask_by_api(replace(person, request=replace(person.request, insurances=(mistyped,))))
    confirm_contact(town.client, town.mail_link(person))
    with open_browser(PHONE) as page:
        sign_in(town, page)
        page.goto(f"/{SLUG}/desk/cases/{case}")
        link = page.get_by_role("link", name="Correct the request")
        expect(link).to_be_visible(timeout=20_000)
        link.click()
        _fits(page)
        insurer = page.get_by_label("Insurance company").first
        expect(insurer).to_have_value("Sample Village Plan")
        insurer.fill(policy.payer_name)
        page.get_by_role("button", name="Save and check").click()
        page.wait_for_url(f"**/{SLUG}/desk/cases/{case}")
        expect(page.locator(".past")).to_contain_text("Correct the request")
        expect(page.locator(".state")).to_have_text("Done", timeout=20_000)
        expect(page.locator(".coverage")).to_contain_text(policy.payer_name)
        _fits(page)
