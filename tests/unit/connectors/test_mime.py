"""Multipart bodies from strangers: read flat, within limits, or not at all."""

import time

import pytest

from cleargate.connectors.wires.mime import PARTS_MAX, Unreadable, parameter, parts, write_form

FORM = "multipart/form-data; boundary=b1"


def part(content: bytes, head: bytes = b'Content-Disposition: form-data; name="A"') -> bytes:
    return b"--b1\r\n" + head + b"\r\n\r\n" + content + b"\r\n"


def only(content: bytes, content_type: str = FORM) -> bytes:
    (found,) = parts(content_type, content)
    return found.content


def test_a_form_that_we_write_is_read_as_it_was():
    written = write_form([("A", "one"), ("B", ""), ("C", "two\r\nlines")], "b1")
    assert [(found.content, found.closed) for found in parts(FORM, written)] == [
        (b"one", True),
        (b"", True),
        (b"two\r\nlines", True),
    ]


@pytest.mark.parametrize(
    "content_type",
    [
        FORM,
        'multipart/form-data; boundary="b1"',
        "Multipart/Form-Data;charset=utf-8;BOUNDARY = b1",
        'multipart/mixed; start="<a;boundary>"; boundary="b1"',
        pytest.param("multipart/form-data; boundary=other", id="a wrong boundary"),
        pytest.param("text/plain", id="no boundary"),
        pytest.param("", id="no type"),
    ],
)
def test_the_boundary_is_found_however_it_is_named(content_type):
    assert only(part(b"one") + b"--b1--\r\n", content_type) == b"one"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param((part(b"one") + b"--b1--\r\n").replace(b"\r\n", b"\n"), id="LF"),
        pytest.param(part(b"one") + b"--b1--", id="no last line end"),
        pytest.param(b"preamble\r\n" + part(b"one") + b"--b1--\r\nepilogue", id="words around"),
        pytest.param(part(b"one").replace(b"--b1", b"--b1 \t") + b"--b1--  \r\n", id="blanks"),
        pytest.param(b"--b1\r\n\r\none\r\n--b1--\r\n", id="no headers"),
        pytest.param(part(b"b25l", b"content-transfer-encoding: BASE64") + b"--b1--", id="base64"),
        pytest.param(
            part(b"o=6Ee", b"Content-Transfer-Encoding:quoted-printable") + b"--b1--", id="quoted"
        ),
    ],
)
def test_whatever_the_standard_leaves_open_is_read(content):
    assert only(content) == b"one"


def test_a_line_that_only_begins_like_a_delimiter_is_content():
    assert only(part(b"one\r\n--b10\r\n--b1x") + b"--b1--") == b"one\r\n--b10\r\n--b1x"


def test_header_names_have_one_case_and_folded_lines_are_one():
    (found,) = parts(FORM, part(b"x", b"CONTENT-Id: <p@x>\r\nX-Long: a\r\n\tb") + b"--b1--")
    assert found.headers == {"content-id": "<p@x>", "x-long": "a b"}


def test_a_part_that_breaks_off_is_told_from_one_that_ends():
    whole, broken = parts(FORM, part(b"one") + part(b"two")[:-3])
    assert (whole.closed, broken.closed, broken.content) == (True, False, b"tw")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ('form-data; name="A b"', "A b"),
        ("form-data;name=A", "A"),
        ("form-data; NAME = A; x=y", "A"),
        ('attachment; filename="x"; name=""', ""),
        ("attachment; filename=name", ""),
        ("", ""),
    ],
)
def test_a_parameter_is_read_quoted_or_not(header, value):
    assert parameter(header, "name") == value


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html></html>", id="HTML"),
        pytest.param(b"--b1--\r\n", id="no part"),
        pytest.param(b"--b1\r\nno end of headers", id="no content"),
        pytest.param(part(b"x") * (PARTS_MAX + 1) + b"--b1--", id="too many parts"),
        pytest.param(part(b"x", b"a: " + b"y" * 20_000) + b"--b1--", id="too long a header"),
        pytest.param(
            part(b"x", b"Content-Transfer-Encoding: base64") + b"--b1--", id="wrong base64"
        ),
    ],
)
def test_what_is_no_form_is_not_read(content):
    with pytest.raises(Unreadable):
        parts(FORM, content)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(
            b"".join(
                b"--b%d\r\nContent-Type: multipart/mixed; boundary=b%d\r\n\r\n" % (at, at + 1)
                for at in range(1, 100_000)
            ),
            id="parts within parts",
        ),
        pytest.param(b"--b1\r\n\r\n" * 500_000, id="delimiters"),
        pytest.param(b"--b1" + b" " * 4_000_000, id="blanks"),
        pytest.param(b"\r\n--b1" * 700_000, id="half delimiters"),
        pytest.param(b"--b1\r\n" + b"a: b\r\n" * 700_000, id="headers"),
        pytest.param(b"--b1\r\n\r\n" + b"\r\n" * 2_000_000 + b"\r\n--b1--", id="line ends"),
    ],
)
def test_hostile_input_costs_no_time(content):
    """A limit that only something quadratic exceeds: each of these is read in milliseconds."""
    before = time.process_time()
    try:
        found = parts(FORM, content)
    except Unreadable:
        found = ()
    assert len(found) <= PARTS_MAX
    assert time.process_time() - before < 5.0
