"""What the practice's settings say about a Stedi connection."""

from pydantic import Field

from cleargate.connectors.wires.client import ClearinghouseSettings

ELIGIBILITY = "https://healthcare.us.stedi.com/2024-04-01/change/medicalnetwork/eligibility/v3"


class StediSettings(ClearinghouseSettings):
    """One Stedi account; `base_url` is the whole address that takes the questions.

    `api_key` is a secret's reference; whether answers are made up is the key's own matter.
    `repeatable` says that a question which may have arrived can be asked again without a second
    fee. Medicare (CMS) wants `X-Forwarded-For` with the practice's address: put it in `headers`.
    """

    base_url: str = ELIGIBILITY
    api_key: str = Field(min_length=1)

    @property
    def secret(self) -> str:
        """The reference of what we sign in with."""
        return self.api_key

    @property
    def own_secret_headers(self) -> dict[str, str]:
        """The key stands in a header."""
        return self.secret_headers | {"Authorization": self.api_key}
