"""A scripted staff member: signs in at the desk and decides gates through the desk's own pages."""

import httpx2

from cleargate.nouns.errors import Refused
from cleargate.nouns.gate import Choice
from cleargate.operations.rehearsal.patient import Inputs


class StaffMember:
    """Signed in at one practice's desk."""

    def __init__(self, base_url: str, slug: str, username: str, password: str) -> None:
        self._client = httpx2.Client(base_url=base_url, timeout=60)
        self._slug = slug
        form = {"username": username, "password": password}
        answer = self._client.post(f"/{slug}/desk/sign-in", data=form)
        if answer.status_code != 303:
            raise Refused(f"the desk of {slug} did not let the scripted staff member in")

    def decide(self, case: str, choice: Choice) -> None:
        """Open the case, read the form, and press the choice's button; the first offer, if any."""
        page = self._client.get(f"/{self._slug}/desk/cases/{case}").raise_for_status()
        inputs = Inputs(page.text)
        action = next(each for each in inputs.actions if "/gates/" in each)
        form = {
            "csrf": inputs.values["csrf"],
            "evidence_version": inputs.values["evidence_version"],
            "detail": inputs.values.get("detail", ""),
            "choice": choice.value,
        }
        answer = self._client.post(action, data=form)
        if answer.status_code not in (303, 409):
            raise Refused(f"the desk answered {answer.status_code} to a decision")

    def close(self) -> None:
        """Leave."""
        self._client.close()
