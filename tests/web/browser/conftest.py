"""A real browser in front of the demo."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from cleargate.operations.demo_home import STAFF
from tests.web.town import SLUG, Town

CHROMIUM = Path("/usr/bin/chromium")
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 860}

# Chromium says this of every page that is not 200; the tests know which pages are not.
_EXPECTED_STATUS = re.compile(r"the server responded with a status of (403|409|422|401)")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium. No longer than a module: its event loop is in the way of other tests."""
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}; install chromium to run the browser tests")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Watch:
    """Whatever the browser complains about: errors, refused resources, strangers' addresses."""

    def __init__(self, context: BrowserContext, own: str) -> None:
        self.complaints: list[str] = []
        self._own = own
        context.on("console", lambda said: self._said(said.type, said.text))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on("request", lambda sent: self._asked(sent.url))

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not _EXPECTED_STATUS.search(text):
            self.complaints.append(text)

    def _asked(self, url: str) -> None:
        if not url.startswith((self._own, "data:")):
            self.complaints.append(f"the page asked a stranger: {url}")


Open = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def open_browser(browser: Browser, town: Town) -> Iterator[Open]:
    """Opens a window of somebody; when it is closed, nothing may have been complained about."""

    @contextmanager
    def opened(size: dict[str, int], javascript: bool = True) -> Iterator[Page]:
        context = browser.new_context(
            base_url=town.demo.web_url,
            viewport=size,  # type: ignore[arg-type]
            java_script_enabled=javascript,
        )
        context.set_default_timeout(15_000)
        watch = Watch(context, town.demo.web_url)
        try:
            yield context.new_page()
        finally:
            context.close()
        assert watch.complaints == []

    yield opened


def sign_in(town: Town, page: Page) -> None:
    """By keyboard: the name's field has the focus when the page opens."""
    page.goto(f"/{SLUG}/desk/sign-in")
    expect(page.get_by_label("User name")).to_be_focused()  # Which is after the page's load event.
    page.keyboard.type(STAFF)
    page.keyboard.press("Tab")
    page.keyboard.type(town.demo.home.secret("staff-password"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{SLUG}/desk")
