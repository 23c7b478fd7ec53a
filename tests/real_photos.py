"""Photos as cameras, telescopes and people made them: those inside scikit-image, as files in the forms of life."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage
from PIL import Image

from tenfold.testing.picture_files import encode, with_orientation

FOLDER = Path(skimage.__file__).parent / "data"
AS_SHIPPED = (
    "hubble_deep_field.jpg",
    "retina.jpg",
    "rocket.jpg",
    "coffee.png",
    "chelsea.png",
    "camera.png",
    "logo.png",
)


def real_photos() -> dict[str, bytes]:
    """Files by name: as shipped (JPEG, PNG, grey, one with alpha), JPEG 4:2:0, EXIF-rotated, and cut out with alpha."""
    files = {name: (FOLDER / name).read_bytes() for name in AS_SHIPPED}
    astronaut = np.asarray(Image.open(FOLDER / "astronaut.png").convert("RGB"))
    files["astronaut-420.jpg"] = encode(astronaut, "JPEG", quality=88, subsampling="4:2:0")
    files["astronaut-progressive.jpg"] = encode(astronaut[:, 40:460], "JPEG", quality=80, progressive=True)
    files["rocket-rotated.jpg"] = with_orientation(files["rocket.jpg"], 6)
    files["rocket-mirrored.jpg"] = with_orientation(files["rocket.jpg"], 5)
    rows, columns = np.mgrid[0 : astronaut.shape[0], 0 : astronaut.shape[1]]
    alpha = (255 * np.exp(-((rows - 180) ** 2 + (columns - 220) ** 2) / 30_000)).astype(np.uint8)
    files["astronaut-alpha.png"] = encode(np.dstack([astronaut, alpha]))
    return files
