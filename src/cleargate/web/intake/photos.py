"""Photos of an insurance card, made safe: decoded, turned upright and written anew as JPEG.

What is stored never holds a byte of the upload: no EXIF, no place, no comment, nothing hidden
behind the picture.
"""

import io
from collections.abc import Mapping

from PIL import Image, ImageOps, UnidentifiedImageError

from cleargate.nouns.errors import Refused

UPLOAD_BYTES_MAX = 2 * 1024 * 1024
PIXELS_MAX = 50_000_000
"""About what the largest phone cameras take; a decompression bomb has more."""
SIDE_MAX = 1600
FORMATS = ("JPEG", "PNG", "WEBP")
FIELDS = ("card_front", "card_back")
"""The form's fields for photos."""

_UNREADABLE = "This photo could not be read. Please take it again, or send it as JPEG or PNG."


def reencode(upload: bytes) -> bytes:
    """A JPEG of at most 1600 pixels a side, in the upload's picture only.

    Raises Refused, with a sentence for the patient, when the upload is too large or no picture.
    """
    if len(upload) > UPLOAD_BYTES_MAX:
        raise Refused("This photo is larger than 2 MB. Please choose a smaller one.")
    try:
        return _jpeg(upload)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refused("This photo has too many pixels. Please choose a smaller one.") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError):
        # Pillow's decoders answer a broken file with any of these.
        raise Refused(_UNREADABLE) from None


def reencode_all(uploads: Mapping[str, bytes]) -> tuple[dict[str, bytes], dict[str, str]]:
    """The photos of a form by field, made safe; and what is wrong with those that cannot be."""
    photos, errors = {}, {}
    for name in FIELDS:
        if name in uploads:
            try:
                photos[name] = reencode(uploads[name])
            except Refused as refused:
                errors[name] = str(refused)
    return photos, errors


def _jpeg(upload: bytes) -> bytes:
    with Image.open(io.BytesIO(upload), formats=FORMATS) as picture:
        if picture.width * picture.height > PIXELS_MAX:
            raise Image.DecompressionBombError
        picture.draft("RGB", (SIDE_MAX, SIDE_MAX))
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
    upright.thumbnail((SIDE_MAX, SIDE_MAX))
    plain = Image.new("RGB", upright.size, "white")
    plain.paste(upright, mask=upright)
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=82, optimize=True)
    return out.getvalue()
