"""What the processes of a real installation write down while people use it."""

import json
from uuid import uuid4

from cleargate.operations.demo_home import STAFF
from cleargate.sandbox.population import Scenario
from tests.postgres import until
from tests.web.installation import filled_form
from tests.web.town import SLUG, Town

NAME, MEMBER, PASSWORD = "Canaryperson", "CANARY0007", "canary-password"
TYPED = "canary-payer"


def test_no_log_line_holds_a_patient_a_token_or_a_password(town: Town) -> None:
    client, secret = town.client, town.demo.home.secret
    sent = filled_form(
        family=NAME, primary_member_id=MEMBER, email=f"{NAME}@example.invalid".lower()
    )
    receipt = client.post(f"/{SLUG}/", data=sent).headers["location"].rpartition("/")[2]
    client.get(f"/{SLUG}/received/{receipt}")
    client.post(f"/{SLUG}/status/{receipt}", data={"birth_date": sent["birth_date"]})
    client.post(f"/{SLUG}/payers", data={"primary_payer": TYPED})
    client.get(f"/{SLUG}/confirm/{receipt}")
    client.post(f"/{SLUG}/desk/sign-in", data={"username": NAME, "password": PASSWORD})
    client.post(
        f"/{SLUG}/desk/sign-in", data={"username": STAFF, "password": secret("staff-password")}
    )
    session = client.cookies["cleargate"]
    nowhere = uuid4().hex
    client.get(f"/{SLUG}/{nowhere}")
    case = town.ask_by_api(town.somebody(Scenario.SELF_PAY))
    logs = {each.stem: each for each in (town.demo.home.data / "logs").iterdir()}
    until(lambda: "/api/requests" in logs["web"].read_text(), "the web server writes nothing")
    client.cookies.clear()

    written = "".join(each.read_text() for name, each in logs.items() if name != "sandbox")
    found = written.casefold()
    canaries = (NAME, MEMBER, PASSWORD, TYPED, receipt, session, nowhere, "02/28/1990", "Toni")
    for canary in (*canaries, secret("staff-password"), secret(f"api-token-{SLUG}")):
        assert canary.casefold() not in found
    routes = [json.loads(line).get("route") for line in logs["web"].read_text().splitlines()]
    assert {"/{slug}/received/{token}", "/{slug}/desk/sign-in", "unknown"} <= set(routes)
    assert case not in logs["web"].read_text()
