import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from cleargate.web.intake.forms import HONEYPOT, NONCE, RequestForm
from cleargate.web.pages import STATIC, render, static_url
from cleargate.web.views import Site
from tests.unit.web.samples import (
    CASE,
    DESK,
    FILLED,
    FORM,
    FORM_WITH_MISTAKES,
    GATES,
    NO_GATES,
    PAGES,
    SITE,
)

TEMPLATES = STATIC.parent / "templates"
RENDERED = [
    pytest.param(name, view, id=f"{name}-{number}")
    for name, views in PAGES.items()
    for number, view in enumerate(views)
]
VOID = {"meta", "link", "input", "br", "wbr", "hr", "img"}


class Page(HTMLParser):
    """The tags of a page, and whether they are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice"
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, *names: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag in names]

    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]


@pytest.mark.parametrize(("name", "view"), RENDERED)
def test_every_page_is_sound_and_safe_under_a_strict_policy(name: str, view: object) -> None:
    page = Page(render(name, view))
    assert page.open == []
    assert len(page.ids()) == len(set(page.ids()))
    for tag, attributes in page.tags:
        assert tag != "style"
        assert "style" not in attributes
        assert not [each for each in attributes if each.startswith("on") or each == "hx-on"]
        assert tag != "script" or attributes["src"].startswith("/static/")
        for address in ("src", "href", "action", "hx-get"):
            assert not attributes.get(address, "").lower().startswith(("http", "//", "javascript"))


@pytest.mark.parametrize(("name", "view"), RENDERED)
def test_every_control_has_a_label_and_what_describes_it_is_there(name: str, view: object) -> None:
    html = render(name, view)
    page = Page(html)
    labelled = {attributes.get("for") for attributes in page.all("label")}
    wrapped = set(re.findall(r"<label[^>]*>[^<]*<input[^>]*name=\"([^\"]+)\"", html))
    for attributes in page.all("input", "select", "textarea"):
        if attributes.get("type") != "hidden":
            assert attributes.get("id") in labelled or attributes["name"] in wrapped, attributes
    for _, attributes in page.tags:
        for described in attributes.get("aria-describedby", "").split():
            assert described in page.ids()
    for anchor in page.all("a"):
        if anchor["href"].startswith("#"):
            assert anchor["href"][1:] in page.ids()


@pytest.mark.parametrize(("name", "view"), RENDERED)
def test_every_whole_page_has_a_title_one_heading_a_language_and_tells_nobody_where_it_was(
    name: str, view: object
) -> None:
    if "/_" in name:
        return
    html = render(name, view)
    page = Page(html)
    assert [tag for tag, _ in page.tags].count("h1") == 1
    assert page.all("html") == [{"lang": "en"}]
    assert re.search(r"<title>[^<]+</title>", html)
    meta = {attributes.get("name"): attributes.get("content") for attributes in page.all("meta")}
    assert (meta["referrer"], meta["robots"]) == ("no-referrer", "noindex")


def test_every_template_is_rendered_by_a_sample() -> None:
    whole = {path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html")}
    assert {name for name in whole if "_" not in Path(name).name[:1]} - {"base.html"} == {
        name for name in PAGES if "/_" not in name
    }


def test_a_name_that_a_view_does_not_have_is_an_error_and_no_blank() -> None:
    with pytest.raises(UndefinedError):
        render("intake/received.html", SITE)


def test_what_people_typed_is_shown_as_text() -> None:
    html = render("intake/form.html", FORM_WITH_MISTAKES)
    assert FILLED["reason"] not in html
    assert "Knee pain &lt;b&gt;after&lt;/b&gt; a fall" in html
    evil = dataclasses.replace(
        FORM, values={"given": '"><script>', "reason": "</textarea><script>"}
    )
    assert len(Page(render("intake/form.html", evil)).all("script")) == 1


def test_the_form_asks_for_every_field_of_the_model_and_for_no_other() -> None:
    html = render("intake/form.html", FORM_WITH_MISTAKES)
    names = {each["name"] for each in Page(html).all("input", "select", "textarea")}
    assert names - {HONEYPOT, NONCE, "card_front", "card_back"} == (
        set(RequestForm.model_fields) - {"secondary_payer_id"}
    )
    lengths = {each["name"]: each.get("maxlength") for each in Page(html).all("input", "textarea")}
    assert lengths["reason"] == "500"


def test_a_mistake_stands_in_the_summary_and_beside_its_field_and_what_was_sent_is_kept() -> None:
    html = render("intake/form.html", FORM_WITH_MISTAKES)
    page = Page(html)
    assert "Please correct 4 things" in html
    for name, message in FORM_WITH_MISTAKES.errors.items():
        plain = message.replace("'", "&#39;")
        assert f'<a href="#{name}">{plain}</a>' in html
        assert html.count(plain) == 2
    birth = next(each for each in page.all("input") if each.get("id") == "birth_date")
    assert birth["value"] == "3/14/85"
    assert birth["aria-invalid"] == "true"
    assert birth["aria-describedby"] == "birth_date-hint birth_date-error"
    chosen = [each for each in page.all("input") if "checked" in each]
    assert {(each["name"], each["value"]) for each in chosen} == {
        ("sex", "female"), ("mail_consent", "yes"), ("visit_type", "follow"),
        ("payment", "insurance"), ("primary_payer_id", "aetna"),
    }  # fmt: skip


def test_a_section_that_is_filled_or_wrong_is_shown_open() -> None:
    def opened(**changes: object) -> int:
        view = dataclasses.replace(FORM, **changes)  # type: ignore[arg-type]
        return sum("open" in each for each in Page(render("intake/form.html", view)).all("details"))

    assert opened() == 0
    assert opened(values={"zip": "75001", "wish_3_part": "morning"}) == 2
    assert opened(errors={"guarantor_given": "Enter the parent's first name."}) == 1


def test_opening_the_confirmation_page_confirms_nothing() -> None:
    before, after = (render("intake/confirm.html", view) for view in PAGES["intake/confirm.html"])
    assert [form["method"] for form in Page(before).all("form")] == ["post"]
    assert "hx-" not in before.split("<main")[1]
    assert Page(after).all("form") == []


def test_every_form_of_the_desk_carries_the_csrf_value() -> None:
    for name in ("desk/gates.html", "desk/case.html", "desk/phone_request.html"):
        page = Page(render(name, PAGES[name][0]))
        forms = page.all("form")
        carried = [each for each in page.all("input") if each.get("name") == "csrf"]
        assert len(forms) == len(carried) > 0
        assert {each["value"] for each in carried} == {DESK.csrf}


def test_the_queue_says_what_to_do_and_the_empty_queue_what_will_appear() -> None:
    full, empty = render("desk/gates.html", GATES), render("desk/gates.html", NO_GATES)
    assert len(Page(full).all("th")) == 6 + 3
    assert "0 need you" in empty
    assert "Nothing waits for you" in empty
    assert Page(empty).all("table") == []


def test_a_decision_carries_the_version_of_its_evidence_and_its_offers() -> None:
    page = Page(render("desk/case.html", CASE))
    inputs = {(each["name"], each["value"]) for each in page.all("input") if "value" in each}
    assert {("evidence_version", "2"), ("detail", "0"), ("detail", "1")} <= inputs
    assert [each["value"] for each in page.all("button") if each.get("name") == "choice"] == [
        "go_on", "take_opening", "decline",
    ]  # fmt: skip


def test_a_static_address_changes_with_the_file() -> None:
    assert re.fullmatch(r"/static/cleargate\.css\?v=[0-9a-f]{12}", static_url("cleargate.css"))
    assert static_url("htmx.min.js") != static_url("cleargate.css")


def test_the_practice_is_named_on_its_pages() -> None:
    other = Site("Other Sample Clinic", "(214) 555-0111", "/p/other")
    view = dataclasses.replace(FORM, site=other)
    assert "Other Sample Clinic" in render("intake/form.html", view)


TOKENS = dict(
    re.findall(r"--([\w-]+): (#[0-9a-f]{6});", (STATIC / "cleargate.css").read_text("utf-8"))
)


def luminance(colour: str) -> float:
    """Relative luminance. Source: WCAG 2.1, definitions."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(TOKENS[one]), luminance(TOKENS[other])), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("ground", ["paper", "surface", "accent-wash", "care-wash", "bad-wash"])
@pytest.mark.parametrize(
    "text", ["ink", "ink-soft", "accent", "accent-deep", "good", "care", "bad"]
)
def test_text_stands_out_from_every_ground(text: str, ground: str) -> None:
    assert contrast(text, ground) >= 4.5


@pytest.mark.parametrize("ground", ["paper", "surface"])
def test_the_edges_of_controls_stand_out(ground: str) -> None:
    assert contrast("edge", ground) >= 3
    assert contrast("accent", "surface") >= 4.5
