"""Where a connection may go: looked at in the address itself, at the moment of connecting."""

import threading
from ipaddress import ip_network

import pytest
from pydantic import ValidationError

from cleargate.connectors.fhir.settings import FhirSettings
from cleargate.connectors.smtp.client import SmtpMessenger
from cleargate.connectors.smtp.settings import SmtpSettings
from cleargate.connectors.wires.addresses import Reach, may_reach, resolve
from cleargate.connectors.wires.deadline import DeadlineTransport
from cleargate.connectors.wires.http import Http, HttpSettings, tls_context
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.hosts import is_loopback
from cleargate.ports import Message
from tests.unit.connectors.parts import (
    Calls,
    FixedClock,
    Secrets,
    Unlimited,
    peer,
    read_request,
    ref,
)

VENDOR = "vendor.example.test"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

PUBLIC = ["8.8.8.8", "203.0.114.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
INSIDE = [
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.0.3",
    "0.0.0.0",
    "169.254.1.1",
    "169.254.169.254",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "no address",
    "",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_a_vendor_is_on_the_open_internet(address):
    assert may_reach(address, VENDOR, ())


@pytest.mark.parametrize("address", INSIDE)
def test_nothing_inside_is_a_vendor(address):
    assert not may_reach(address, VENDOR, ())


@pytest.mark.parametrize(
    ("address", "listed", "reached"),
    [
        ("10.0.0.5", ("10.0.0.5/32",), True),
        ("10.0.0.6", ("10.0.0.5/32",), False),
        ("::ffff:10.0.0.5", ("10.0.0.5/32",), True),
        ("10.1.255.1", ("10.1.0.0/16",), True),
        ("fd12::1", ("fd12::/64",), True),
        ("169.254.169.254", ("169.254.0.0/16",), False),
        ("169.254.170.2", ("169.254.0.0/16",), False),
    ],
)
def test_what_is_listed_is_reached_and_a_clouds_credentials_never_are(address, listed, reached):
    networks = tuple(ip_network(each) for each in listed)
    assert may_reach(address, VENDOR, networks) is reached


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_a_host_that_is_this_machine_stays_on_it_whatever_its_name_leads_to(host):
    assert may_reach("127.0.0.1", host, ())
    assert not may_reach("8.8.8.8", host, ())
    assert not may_reach("10.0.0.5", host, (ip_network("10.0.0.0/8"),))


@pytest.mark.parametrize("form", ["2130706433", "0177.0.0.1", "0x7f.1", "127.1"])
def test_other_spellings_of_this_machine_are_looked_at_as_what_they_lead_to(form):
    assert not is_loopback(form), "so that plain http is not allowed for it"
    assert resolve(form, 80) == ["127.0.0.1"]
    assert Reach().addresses(form, 80) == []


def test_of_a_name_with_addresses_inside_and_outside_only_those_outside_are_tried():
    reach = Reach(resolve=lambda host, port: ["10.0.0.1", "8.8.8.8", "::1"])
    assert reach.addresses(VENDOR, 443) == ["8.8.8.8"]


@pytest.mark.parametrize(
    "network", ["8.8.8.8", "0.0.0.0/0", "::/0", "169.254.169.254", "169.254.0.0/16", "nonsense"]
)
def test_only_what_is_private_can_be_listed(network):
    for settings in (
        lambda: HttpSettings(base_url="https://a.test", deadline_s=1, allow_private=[network]),
        lambda: SmtpSettings(host="a.test", sender="a@b.test", allow_private=[network]),
    ):
        with pytest.raises(ValidationError, match="allow_private"):
            settings()


class Names:
    """A resolver whose answers are given one after the other, the last one for ever."""

    def __init__(self, *answers: str) -> None:
        self.answers = [*answers]
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return [self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]]


def http(names: Names, port: int = 443, scheme: str = "https", **settings) -> Http:
    chosen = HttpSettings(base_url=f"{scheme}://{VENDOR}:{port}", deadline_s=5, **settings)
    transport = DeadlineTransport(tls_context(None), 2, Reach(chosen.allow_private, names))
    return Http(
        "desk", chosen, secrets=Secrets(), budget=Unlimited(), recorder=Calls(), transport=transport
    )


def fails(client: Http, url: str = "") -> PortError:
    with pytest.raises(PortError) as caught:
        client.call("GET", url or client.settings.base_url, operation="sample", write=True)
    client.close()
    return caught.value


def test_a_name_that_leads_inside_is_not_connected_to():
    reached = threading.Event()
    with peer(lambda connection: reached.set()) as port:
        error = fails(http(Names("127.0.0.1"), port))
        assert (error.kind, error.vendor_code) == (ErrorKind.AUTH, "address_refused")
        assert not reached.is_set()


def test_a_name_that_leads_inside_the_second_time_is_looked_at_again():
    """DNS rebinding: what was looked at is what is connected to, each time anew."""
    names = Names("127.0.0.2", "127.0.0.1")
    reached = threading.Event()
    with peer(lambda connection: reached.set()) as port:
        client = http(names, port, allow_private=["127.0.0.2"])
        with pytest.raises(PortError, match="connect_failed"):
            client.call("GET", client.settings.base_url, operation="sample", write=True)
        assert fails(client).vendor_code == "address_refused"
        assert not reached.is_set()
    assert names.asked == [VENDOR, VENDOR], "one look-up for each connection, none behind it"


def test_the_vendor_hears_its_name_and_not_the_address():
    heard = []

    def handler(connection):
        heard.append(read_request(connection))
        connection.sendall(OK)

    with peer(handler) as port:
        settings = HttpSettings(base_url=f"http://localhost:{port}", deadline_s=5)
        reach = Reach((), Names("127.0.0.1"))
        client = Http(
            "desk",
            settings,
            secrets=Secrets(),
            budget=Unlimited(),
            recorder=Calls(),
            transport=DeadlineTransport(tls_context(None), 1, reach),
        )
        assert (
            client.call("GET", f"{settings.base_url}/x", operation="sample", write=False).status
            == 200
        )
        client.close()
    assert f"host: localhost:{port}".encode() in heard[0].lower()


@pytest.mark.parametrize(
    "url",
    [
        f"https://{VENDOR}.evil.test/x",
        f"https://{VENDOR}:8443/x",
        f"http://{VENDOR}/x",
        f"https://{VENDOR}@evil.test/x",
        f"https://evil.test/#{VENDOR}",
        f"https://evil.test\\@{VENDOR}/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1",
        "//evil.test/x",
        "file:///etc/passwd",
        "/x",
        "",
    ],
)
def test_an_address_in_a_vendors_words_is_not_called_unless_it_is_of_the_settings(url):
    client = http(Names("8.8.8.8"))
    assert not client.is_own(url)
    if url:
        assert fails(client, url).vendor_code == "foreign_address"


def test_the_settings_own_addresses_and_what_they_list_are_called():
    client = http(Names("8.8.8.8"), other_origins=["https://pages.vendor.example.test"])
    assert client.is_own(f"https://{VENDOR}:443/x?page=2")
    assert client.is_own("https://pages.vendor.example.test/y")
    client.close()
    smart = {"client_id": "a", "private_key": "env:K", "key_id": "k", "scope": "s"}
    fhir = FhirSettings(
        base_url="https://ehr.test/r4",
        zone="America/Chicago",
        smart=smart | {"token_url": "https://sign-in.test/token"},
    )
    assert fhir.own_addresses == ("https://ehr.test/r4", "https://sign-in.test/token")


def test_no_listed_address_goes_unencrypted():
    with pytest.raises(ValidationError, match="other_origins"):
        HttpSettings(base_url="https://a.test", deadline_s=1, other_origins=["http://b.test"])
    smart = {"client_id": "a", "private_key": "env:K", "key_id": "k", "scope": "s"}
    with pytest.raises(ValidationError, match="token_url"):
        FhirSettings(
            base_url="https://a.test", zone="UTC", smart=smart | {"token_url": "http://b.test/t"}
        )


def test_a_mail_server_whose_name_leads_inside_gets_nothing():
    reached = threading.Event()
    with peer(lambda connection: reached.set()) as port:
        messenger = SmtpMessenger(
            "mail",
            SmtpSettings(host=VENDOR, port=port, sender="desk@clinic.example.test"),
            secrets=Secrets(),
            budget=Unlimited(),
            recorder=Calls(),
            clock=FixedClock(),
            resolve=Names("127.0.0.1"),
        )
        with pytest.raises(PortError) as caught:
            messenger.send(Message("amy@mail.example.test", "s", "t"), ref())
        assert not reached.is_set()
    assert (caught.value.kind, caught.value.vendor_code) == (ErrorKind.AUTH, "address_refused")
