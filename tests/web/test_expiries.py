"""The desk shows what ends soon."""

from datetime import timedelta

import httpx2

from cleargate.operations.expiries import Expiry
from cleargate.web.site import Pages
from tests.web.installation import PASSWORD, SLUG, Served, Site


def test_a_credential_that_ends_in_a_week_stands_above_every_page_of_the_desk(site: Site) -> None:
    profile = next(each for each in site.profiles.values() if each.slug == SLUG)
    today = site.clock.now().astimezone(profile.zone).date()
    found = [
        Expiry("stedi", "credential", today + timedelta(days=7)),
        Expiry("optum", "credential", today + timedelta(days=31)),
        Expiry("", "certificate", today - timedelta(days=1)),
    ]
    pages = Pages(
        site.house.database, site.clock, site.profiles, secure=False, expiries=lambda _: found
    )
    sent = {"username": site.hire(), "password": PASSWORD}
    with Served(pages) as served, httpx2.Client(base_url=served.url) as client:
        client.post(f"/{SLUG}/desk/sign-in", data=sent)
        page = client.get(f"/{SLUG}/desk").text
    assert "What the connection “stedi” signs in with ends on" in page
    assert "in 7 days: tell your IT person." in page
    assert "The certificate of these pages ended on" in page
    assert "optum" not in page
