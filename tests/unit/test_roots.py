"""The folder browser shows what lies inside the roots and tells nothing of what lies outside."""

import pytest

from tenfold.adapters.sources import roots as roots_module
from tenfold.adapters.sources.roots import Roots
from tenfold.core.errors import Forbidden, NotFound


@pytest.fixture
def home(tmp_path):
    root = tmp_path / "home"
    for path in (
        "flowers/rose/1.jpg",
        "flowers/rose/2.PNG",
        "flowers/tulip/3.webp",
        "flowers/notes.txt",
        "Photos/x.jpg",
    ):
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"")
    (root / ".ssh").mkdir()
    (tmp_path / "outside").mkdir()
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "again").symlink_to(root / "flowers")
    return root


def test_folders_with_their_counts(home):
    listing = Roots([home]).list_folder()
    assert [(folder.name, str(folder.pictures)) for folder in listing.folders] == [
        ("again", "3"),
        ("flowers", "3"),
        ("Photos", "1"),
    ]
    assert listing.parent is None
    inner = Roots([home]).list_folder(str(home / "flowers"))
    assert [folder.name for folder in inner.folders] == ["rose", "tulip"]
    assert inner.parent == str(home)
    assert str(inner.pictures) == "3"


def test_counting_stops(home, monkeypatch):
    monkeypatch.setattr(roots_module, "COUNT_UP_TO", 2)
    assert [str(folder.pictures) for folder in Roots([home]).list_folder().folders] == ["2+", "2+", "1"]
    assert str(roots_module.PictureCount(10_000, is_complete=False)) == "10,000+"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/etc",
        "/etc/shadow",
        "{home}/..",
        "{home}/../outside",
        "{home}/out",
        "{home}-nearly",
        "home",
        "",
        "{home}/../gone",
    ],
)
def test_outside_is_refused_alike_whether_it_exists_or_not(home, path):
    with pytest.raises(Forbidden) as caught:
        Roots([home]).resolve(path.format(home=home))
    assert caught.value.code == "folder.outside"
    assert caught.value.message == (
        f"This folder lies outside the folders that may be read ({home}). TENFOLD_ROOTS names them."
    )


@pytest.mark.parametrize("path", ["{home}/gone", "{home}/flowers/notes.txt", "{home}/\0", "{home}/" + "x" * 5000])
def test_missing_inside_is_not_found(home, path):
    with pytest.raises(NotFound):
        Roots([home]).resolve(path.format(home=home))


def test_a_link_inside_resolves_to_what_it_means(home):
    assert Roots([home]).resolve(f"{home}/again") == str(home / "flowers")


def test_paths_are_completed(home):
    roots = Roots([home])
    assert roots.complete(f"{home}/fl") == [f"{home}/flowers"]
    assert roots.complete(f"{home}/ph") == [f"{home}/Photos"]
    assert roots.complete(f"{home}/flowers/") == [f"{home}/flowers/{name}" for name in ("rose", "tulip", "notes.txt")]
    assert roots.complete(str(home)[:-2]) == [str(home)]
    assert roots.complete("/et") == []
    assert roots.complete(f"{home}/", limit=1) == [f"{home}/again"]


def test_no_roots(tmp_path):
    with pytest.raises(NotFound, match="TENFOLD_ROOTS"):
        Roots([tmp_path / "gone"]).list_folder()


def test_files_that_are_sources_complete_behind_the_folders(tmp_path):
    (tmp_path / "train").mkdir()
    for name in ("train.csv", "train.jpg", "trainer.txt", ".train.csv"):
        (tmp_path / name).write_text("")
    roots = Roots([tmp_path])
    assert roots.complete(f"{tmp_path}/tr") == [f"{tmp_path}/{name}" for name in ("train", "train.csv", "trainer.txt")]
    assert roots.resolve(f"{tmp_path}/train.csv", may_be_file=True) == f"{tmp_path}/train.csv"
    for path, may_be_file in ((f"{tmp_path}/train.csv", False), (f"{tmp_path}/none.csv", True)):
        with pytest.raises(NotFound):
            roots.resolve(path, may_be_file=may_be_file)
