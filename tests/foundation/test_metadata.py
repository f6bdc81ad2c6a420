"""Pictures lose what they say about place, time and camera, and nothing else."""

import io

import pytest
from PIL import Image

from foundation.metadata import PictureBroken, without_metadata

SECRETS = (b"Somebody", b"Phone of", b"GPS")


def picture(form: str) -> bytes:
    """A picture of two colours with everything said about it that can be said."""
    image = Image.new("RGB", (24, 16), "red")
    image.paste("blue", (0, 0, 12, 8))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Phone of"
    exif[0x013B] = "Somebody"
    exif.get_ifd(0x8825)[1] = "GPS N"
    out = io.BytesIO()
    more = {"comment": b"Somebody was here"} if form == "JPEG" else {}
    image.save(out, form, exif=exif, **more)
    return out.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_picture_looks_the_same_and_tells_nothing(form: str) -> None:
    before = picture(form)
    after = without_metadata(before + b"a film with the Phone of Somebody")
    assert any(word in before for word in SECRETS)
    assert [word for word in SECRETS if word in after] == []
    shown, meant = Image.open(io.BytesIO(after)), Image.open(io.BytesIO(before))
    assert shown.tobytes() == meant.tobytes()
    assert dict(shown.getexif()) == ({0x0112: 6} if form == "JPEG" else {})
    assert without_metadata(after) == after


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_a_picture_that_ends_early_is_refused_and_breaks_nothing(form: str) -> None:
    whole = picture(form)
    for end in range(3 if form == "JPEG" else 9, len(whole) - 1, 7):
        with pytest.raises(PictureBroken):
            without_metadata(whole[:end])


def test_other_files_stay_as_they_are() -> None:
    assert without_metadata(b"%PDF-1.7 signed") == b"%PDF-1.7 signed"
