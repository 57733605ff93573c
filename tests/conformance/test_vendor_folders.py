"""Every vendor's folder reads the same, and says which rules it keeps."""

import tomllib
from pathlib import Path

import pytest

import cleargate.connectors

RULES = {
    "writes_carry_ref",
    "repeat_converges",
    "found_by_ref",
    "whole_call_deadline",
    "failures_mapped",
    "no_values_in_errors",
    "no_phi_in_addresses",
    "answers_distrusted",
    "searches_bounded",
    "capabilities_read",
    "secrets_by_reference",
    "tls_required",
    "conformance_suite",
    "vendor_account_tried",
}
VENDORS = sorted(
    folder
    for folder in Path(cleargate.connectors.__path__[0]).iterdir()
    if (folder / "__init__.py").exists() and folder.name != "wires"
)


def test_there_are_vendors():
    assert {vendor.name for vendor in VENDORS} >= {
        "availity",
        "core_mime",
        "core_soap",
        "fhir",
        "optum",
        "pverify",
        "smtp",
        "stedi_json",
        "trizetto",
        "waystar",
    }


@pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)
class TestFolder:
    def test_it_has_the_four_files(self, vendor):
        for name in ("client.py", "mapping.py", "settings.py", "quality.toml"):
            assert (vendor / name).is_file(), name

    def test_every_rule_is_settled_or_has_its_reason(self, vendor):
        rules = tomllib.loads((vendor / "quality.toml").read_text())["rules"]
        assert set(rules) == RULES
        for name, rule in rules.items():
            if rule == "done":
                continue
            assert rule["status"] in ("todo", "exempt"), name
            assert len(rule["reason"]) > 15, name

    def test_it_knows_no_other_vendor(self, vendor):
        others = {f"connectors.{other.name}" for other in VENDORS if other != vendor}
        for file in vendor.glob("*.py"):
            source = file.read_text()
            assert not [other for other in others if other in source], file.name

    def test_its_mapping_does_no_input_or_output(self, vendor):
        source = (vendor / "mapping.py").read_text()
        for module in ("httpx2", "socket", "smtplib", "threading", "time.sleep", "wires.http"):
            assert module not in source
