"""What the practice's settings say about its mail server."""

import re
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from cleargate.connectors.wires.addresses import PrivateNetworks
from cleargate.nouns.hosts import is_loopback

_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*@[A-Za-z0-9.-]+", re.A
)


def is_address(text: str) -> bool:
    """Whether it is a plain ASCII mail address, without quotes or comments."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


class MailTls(StrEnum):
    """How the way to the mail server is encrypted; NONE is for this machine only."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


class SmtpSettings(BaseModel):
    """The practice's outgoing mail. `password` is a secret's reference, empty for no sign-in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1)
    port: int = Field(default=587, ge=1, le=65535)
    tls: MailTls = MailTls.STARTTLS
    ca_file: Path | None = None
    allow_private: PrivateNetworks = ()
    username: str = ""
    password: str = ""
    sender: str
    sender_name: str = ""
    deadline_s: float = Field(default=60.0, gt=0, le=600)

    @field_validator("sender")
    @classmethod
    def _is_address(cls, sender: str) -> str:
        if not is_address(sender):
            raise ValueError("must be a mail address such as front-desk@practice.example")
        return sender

    @model_validator(mode="after")
    def _is_safe(self) -> "SmtpSettings":
        if self.tls is MailTls.NONE and not is_loopback(self.host):
            raise ValueError("tls may be none only when the host is this machine")
        return self

    @property
    def domain(self) -> str:
        """The practice's mail domain."""
        return self.sender.rpartition("@")[2]
