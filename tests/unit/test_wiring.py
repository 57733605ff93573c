"""A worker does not start with a connection over which nothing about a patient may go."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc.jwk import ECKey

from cleargate.app import wire_practices
from cleargate.house import open_house
from cleargate.nouns.errors import BadSettings
from cleargate.settings import Installation
from tests.house import House
from tests.unit.test_settings import practice_toml

TOMORROW = (datetime.now(UTC) + timedelta(days=2)).date()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("http://127.0.0.1:1/fhir", "https://ehr.example.test/fhir"),
        ("http://127.0.0.1:1/token", "https://sign-in.example.test/token"),
        ("http://127.0.0.1:1/core", "https://core.example.test"),
        ('host = "127.0.0.1"\nport = 25\ntls = "none"', 'host = "mail.example.test"'),
        ('name = "ehr"', f'name = "ehr"\nbaa_signed = {TOMORROW}\n'),
    ],
)
def test_without_an_agreement_of_today_it_is_refused_with_file_line_and_key(
    house: House, tmp_path: Path, old: str, new: str
) -> None:
    folder = tmp_path / "sample"
    folder.mkdir()
    changes = [(old, new)]
    if "baa_signed" in new:
        changes.append(("http://127.0.0.1:1/fhir", "https://ehr.example.test/fhir"))
    path = practice_toml(folder, *changes)
    for name in ("ehr-key.pem", "clearinghouse-password"):
        (folder / name).touch(0o600)
    (folder / "clearinghouse-password").write_text("sample")
    (folder / "ehr-key.pem").write_bytes(ECKey.generate_key("P-384").as_pem(private=True))
    opened = open_house(
        Installation(database_url=house.app_url, key_file=house.key_file, practices=tmp_path)
    )
    try:
        with pytest.raises(BadSettings) as caught:
            wire_practices(opened)
    finally:
        opened.database.close()
    said = str(caught.value)
    assert said.startswith(f"{path}:")
    assert ".baa_signed: baa_signed is" in said
