"""What an import would do to one's own picture, seen before it."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from tenfold.adapters.formats.layouts.recognition import Layouts
from tenfold.adapters.formats.revisions.reader import as_png
from tenfold.adapters.imaging.pillow import PillowDecoder
from tenfold.adapters.sources import roots as roots_module
from tenfold.adapters.sources.roots import Roots
from tenfold.core.accounts.policy import Actor
from tenfold.core.datasets.preprocessing import image_preprocessing
from tenfold.core.errors import Forbidden, InvalidFields, NotFound, TooLarge
from tenfold.core.ids import UserId
from tenfold.services.previews import PreviewService
from tenfold.testing.picture_files import encode, make_photo

SOMEBODY = Actor(UserId("user_0"), "somebody", "editor")


@pytest.fixture
def home(tmp_path):
    root = tmp_path / "home"
    for name in ("flowers/b/2.png", "flowers/a/1.png"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(encode(make_photo(60, 40, seed=len(name))))
    (root / "flowers" / "a" / "notes.txt").write_text("no picture")
    (root / "empty").mkdir()
    (tmp_path / "secret.png").write_bytes(encode(make_photo(9, 9)))
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    return root


@pytest.fixture
def previews(home):
    return PreviewService(Roots([home]), Layouts((home,)), PillowDecoder(1_000_000), encode=as_png)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def test_of_a_folder_the_first_picture_is_shown_as_it_is(previews, home):
    shown = pixels(previews.of_path(SOMEBODY, str(home / "flowers")))
    np.testing.assert_array_equal(shown, pixels((home / "flowers" / "a" / "1.png").read_bytes()))


@pytest.mark.parametrize("mode", ["squash", "crop", "fill", "half"])
def test_a_preview_is_what_an_import_would_store(previews, home, mode):
    path = home / "flowers" / "a" / "1.png"
    values = {"resize": mode, "width": "32", "height": "32", "background": "#102030"}
    expected = PillowDecoder().decode(
        path.read_bytes(), image_preprocessing(width=32, height=32, channels=3, resize=mode, background=(16, 32, 48))
    )
    np.testing.assert_array_equal(pixels(previews.of_path(SOMEBODY, str(path), values)), expected)


def test_a_large_preview_is_shown_smaller_in_its_proportions(previews, home):
    shown = pixels(previews.of_path(SOMEBODY, str(home / "flowers"), {"width": "4000", "height": "1000"}))
    assert shown.shape == (120, 480, 3)


def test_deep_pictures_are_stretched_for_the_eye(previews, home):
    tifffile.imwrite(home / "deep.tiff", np.random.default_rng(0).normal(0, 1, (30, 20)).astype(np.float32))
    shown = pixels(previews.of_path(SOMEBODY, str(home / "deep.tiff")))
    assert (shown.shape, shown.min(), shown.max()) == ((30, 20), 0, 255)
    assert pixels(previews.of_path(SOMEBODY, str(home / "deep.tiff"), {"resize": "crop", "depth": "keep"})).max() == 255


def test_what_cannot_be_shown_is_named(previews, home, monkeypatch):
    for path, kind, code in [
        (home / "link.png", Forbidden, "folder.outside"),
        (home / ".." / "secret.png", Forbidden, "folder.outside"),
        (home / "gone.png", NotFound, "file.not-found"),
        (home / "empty", NotFound, "folder.no-picture"),
        (home / "flowers" / "a" / "notes.txt", NotFound, "folder.no-picture"),
    ]:
        with pytest.raises(kind) as caught:
            previews.of_path(SOMEBODY, str(path))
        assert caught.value.code == code, path
    with pytest.raises(InvalidFields, match="Resize"):
        previews.of_path(SOMEBODY, str(home / "flowers"), {"resize": "stretch"})
    monkeypatch.setattr(roots_module, "MAX_PICTURE_BYTES", 100)
    with pytest.raises(TooLarge):
        previews.of_path(SOMEBODY, str(home / "flowers"))
    monkeypatch.setattr(roots_module, "LOOK_AT", 1)
    assert previews.of_path(SOMEBODY, str(home / "flowers"))  # a search that is given up leaves it to the layouts
