import io

import pytest
from PIL import Image

from cleargate.nouns.errors import Refused
from cleargate.web.intake.photos import SIDE_MAX, UPLOAD_BYTES_MAX, reencode

ORIENTATION, DESCRIPTION, GPS = 0x0112, 0x010E, 0x8825


def picture(kind: str, size: tuple[int, int] = (60, 40), mode: str = "RGB") -> Image.Image:
    colour = {"RGB": (200, 10, 10), "RGBA": (200, 10, 10, 0), "L": 90, "P": 0}[mode]
    image = Image.new(mode, size, colour)
    image.format = kind
    return image


def upload(image: Image.Image, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, image.format, **options)
    return out.getvalue()


def decoded(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg), formats=("JPEG",))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_phones_send_comes_out_as_jpeg(kind: str) -> None:
    found = decoded(reencode(upload(picture(kind))))
    assert (found.format, found.mode, found.size) == ("JPEG", "RGB", (60, 40))
    red, green, _ = found.getpixel((30, 20))  # type: ignore[misc]
    assert red > 180
    assert green < 40


@pytest.mark.parametrize("mode", ["RGBA", "L", "P"])
def test_pictures_of_every_mode_come_out_in_colour_on_white(mode: str) -> None:
    found = decoded(reencode(upload(picture("PNG", mode=mode))))
    assert found.mode == "RGB"
    if mode == "RGBA":
        assert found.getpixel((1, 1)) == (255, 255, 255)


def test_exif_is_applied_and_then_gone() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[DESCRIPTION] = "SECRET-NOTE"
    exif.get_ifd(GPS)[1] = "N"
    sent = upload(picture("JPEG"), exif=exif, comment=b"SECRET-COMMENT") + b"SECRET-TAIL"
    stored = reencode(sent)
    assert decoded(stored).size == (40, 60)
    assert not decoded(stored).getexif()
    assert b"SECRET" in sent
    assert b"SECRET" not in stored


def test_a_large_picture_is_made_smaller_and_a_small_one_is_left() -> None:
    assert decoded(reencode(upload(picture("JPEG", (4000, 3000))))).size == (SIDE_MAX, 1200)
    assert decoded(reencode(upload(picture("PNG", (10, 10))))).size == (10, 10)


def test_too_many_bytes_are_refused() -> None:
    padded = upload(picture("JPEG")) + b"\0" * UPLOAD_BYTES_MAX
    with pytest.raises(Refused, match="larger than 2 MB"):
        reencode(padded)


@pytest.mark.parametrize("side", [7_200, 9_600, 14_000])
def test_a_bomb_is_refused_unopened(side: int) -> None:
    image = Image.new("1", (side, side))
    image.format = "PNG"
    bomb = upload(image)
    assert len(bomb) < UPLOAD_BYTES_MAX
    with pytest.raises(Refused, match="too many pixels"):
        reencode(bomb)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"not a picture",
        b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
        upload(picture("JPEG", (600, 400)))[:300],
        upload(picture("PNG", (600, 400)))[:60],
        upload(picture("WEBP", (600, 400)))[:30],
        upload(picture("GIF")),
        upload(picture("TIFF")),
    ],
)
def test_what_is_no_whole_photo_is_refused_in_plain_words(sent: bytes) -> None:
    with pytest.raises(Refused, match="could not be read"):
        reencode(sent)
