"""The request form's view, for the patient and for the desk's phone requests alike."""

from collections.abc import Mapping
from datetime import timedelta

from cleargate.web.site import Here
from cleargate.web.views import FormView, Option, PayerMatches

MATCHES_MAX = 8


def view(
    here: Here,
    action: str,
    nonce: str,
    values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    csrf: str = "",
) -> FormView:
    """The form, empty or as it was sent with what is wrong beside it."""
    profile = here.profile
    first = here.now.astimezone(profile.zone).date()
    sent = values or {}
    return FormView(
        site=here.site,
        action=action,
        nonce=nonce,
        today=first.isoformat(),
        latest=(first + timedelta(days=profile.booking.search_days)).isoformat(),
        visit_types=tuple(
            Option(each.code, each.name, f"{each.duration // timedelta(minutes=1)} minutes")
            for each in profile.directory.visit_types
        ),
        payer_names=tuple(each.name for each in profile.payers),
        payer_search=f"/{profile.slug}/payers",
        values=sent,
        errors=errors or {},
        primary_matches=_sent_matches(here, "primary", sent),
        secondary_matches=_sent_matches(here, "secondary", sent),
        csrf=csrf,
    )


def _sent_matches(here: Here, rank: str, sent: Mapping[str, str]) -> PayerMatches:
    """What to pick from beside a payer's name that was sent."""
    options = matches(here, sent.get(f"{rank}_payer", ""))
    return PayerMatches(rank, options, sent.get(f"{rank}_payer_id", ""))


def matches(here: Here, text: str) -> tuple[Option, ...]:
    """Payers that somebody who types this may mean, best first; none for an exact name."""
    if not text.strip() or here.profile.payers.by_name(text):
        return ()
    found = here.profile.payers.search(text, MATCHES_MAX)
    return tuple(Option(each.id, each.name) for each in found)
