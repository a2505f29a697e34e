"""Pictures as text: a data URL holds the picture itself, so that whatever keeps, hashes and sends texts can do so here.

A picture is opened as data only, within bounds, turned as its camera held it, and loses what else the file says.
"""

import base64
import binascii
import io
import warnings

import numpy as np
import numpy.typing as npt

from kefu.kit.errors import BadInput, TooLarge

Pixels = npt.NDArray[np.float32]

PREFIX = "data:image/"
# A photo of a telephone has some 50 million pixels, and 20 MB; more is a file that was made to harm.
MOST_PIXELS, MOST_BYTES = 80_000_000, 40 * 2**20
# What is kept of a picture: the longer side of what any recipe here looks at.
KEPT_SIDE = 224
# Up to here a picture is kept as it is; a JPEG of so few pixels would be all artefacts.
_LOSSLESS_SIDE = 64
_JPEG_QUALITY = 90


def is_picture(text: str) -> bool:
    """Whether a text is a picture's data URL."""
    return text.startswith(PREFIX)


def data_url(data: bytes, name: str = "the picture") -> str:
    """The picture in a file's bytes, no larger than KEPT_SIDE; the same bytes give the same text.

    Raises BadInput for what is no picture, TooLarge past MOST_PIXELS or MOST_BYTES.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if len(data) > MOST_BYTES:
        raise TooLarge(f"{name} has {len(data):,} bytes; a picture may have {MOST_BYTES:,}.", name=name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound below is ours
            opened = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "GIF", "BMP"))
        if opened.width * opened.height > MOST_PIXELS:
            raise TooLarge(f"{name} has {opened.width} x {opened.height} pixels: too many.", name=name)
        opened.draft("RGB", (KEPT_SIDE, KEPT_SIDE))
        image = ImageOps.exif_transpose(opened)
        image = image.convert("L" if image.mode in {"1", "L", "I;16"} else "RGB")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise BadInput(f"{name} is not a picture that can be read.", name=name) from error
    image.thumbnail((KEPT_SIDE, KEPT_SIDE))
    return _encoded(image)


def array_url(values: npt.NDArray[np.uint8]) -> str:
    """The data URL of pixels [height, width] (grey) or [height, width, 3]."""
    from PIL import Image

    return _encoded(Image.fromarray(values))


def pixels(text: str, *, side: int, channels: int) -> Pixels:
    """float32 [channels, side, side] from 0 to 1 of a data URL; 1 channel is grey, 3 are red, green and blue.

    The whole picture is fitted into the square, on black. Raises BadInput for a text that is no picture.
    """
    from PIL import Image, ImageOps

    try:
        head, _, body = text.partition(",")
        if not head.startswith(PREFIX) or not head.endswith(";base64"):
            raise ValueError("no data URL")
        with Image.open(io.BytesIO(base64.b64decode(body, validate=True)), formats=("PNG", "JPEG")) as opened:
            if max(opened.size) > KEPT_SIDE:
                raise ValueError("larger than what is kept")
            image = opened.convert("L" if channels == 1 else "RGB")
    except (binascii.Error, ValueError, OSError, SyntaxError) as error:
        raise BadInput("This text is not a picture's data URL.") from error
    if image.size != (side, side):
        image = ImageOps.pad(image, (side, side), Image.Resampling.BILINEAR)
    found = np.asarray(image, np.float32) / np.float32(255)
    return found[None] if channels == 1 else np.ascontiguousarray(found.transpose(2, 0, 1))


def size_of(text: str) -> tuple[int, int, int]:
    """Width, height and channels (1 or 3) of a data URL. Raises BadInput for a text that is no picture."""
    from PIL import Image

    try:
        body = text.partition(",")[2]
        with Image.open(io.BytesIO(base64.b64decode(body, validate=True)), formats=("PNG", "JPEG")) as opened:
            return opened.width, opened.height, 1 if opened.mode == "L" else 3
    except (binascii.Error, ValueError, OSError, SyntaxError) as error:
        raise BadInput("This text is not a picture's data URL.") from error


def _encoded(image: object) -> str:
    from PIL import Image

    assert isinstance(image, Image.Image)
    out = io.BytesIO()
    kind = "png" if max(image.size) <= _LOSSLESS_SIDE else "jpeg"
    if kind == "png":
        image.save(out, "PNG", optimize=True)
    else:
        image.save(out, "JPEG", quality=_JPEG_QUALITY)
    return f"{PREFIX}{kind};base64,{base64.b64encode(out.getvalue()).decode('ascii')}"
