"""AWS for tests: moto at the wire, with credentials that are nobody's."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest
from moto import mock_aws


@contextmanager
def fake_aws(really: Sequence[str] = ()) -> Iterator[None]:
    """Every call of boto3 goes to moto, whatever this machine's own environment says.

    Those of the services in `really` go where AWS_ENDPOINT_URL_... says, which is loopback.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in [
            each for each in os.environ if each.startswith("AWS_") and "ENDPOINT" not in each
        ]:
            patch.delenv(name)
        patch.setenv("AWS_ACCESS_KEY_ID", "sample")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "sample")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        with mock_aws(config={"core": {"passthrough": {"services": list(really)}}}):
            yield
