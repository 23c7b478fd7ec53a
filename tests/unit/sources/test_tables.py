"""Tables of pictures: CSV, TSV, JSON lines and Parquet, with columns chosen or recognised."""

import json
from dataclasses import asdict

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tenfold.adapters.formats.files.optional_parts import needed
from tenfold.core.datasets.layouts import SplitCount
from tenfold.core.errors import BadDataset, BadImage
from tenfold.testing.datasets import check_sample_source, listed
from tenfold.testing.picture_files import encode, make_photo

PICTURES = [encode(make_photo(9, 7, seed=seed)) for seed in range(6)]
SMALL = [encode(make_photo(2, 2, seed=seed)) for seed in range(6)]


def files(source, **about):
    return {file.path: (file.class_name, file.split) for file in listed(source, **about).files}


def write_parquet(path, labels, *, names=None, pictures=PICTURES, **columns):
    path.parent.mkdir(parents=True, exist_ok=True)
    images = [{"bytes": pictures[number % 6], "path": f"{number}.png"} for number in range(len(labels))]
    table = pa.table({"image": images, "label": labels, **columns})
    if names is not None:
        features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, path, row_group_size=4)


def put_in_latin_1(place, header, divider):
    rows = [header, *(divider.join((f"{number}.png", "ab"[number % 2], "3")) for number in range(4))]
    place.put(*(f"{number}.png" for number in range(4))).put("t.csv", content="\n".join(rows).encode("latin-1"))


def test_a_table_whose_columns_are_called_in_no_utf8_is_shown_and_read(place):
    put_in_latin_1(place, "path,label,Größe", ",")
    json.dumps(asdict(place.preview("t.csv")), ensure_ascii=False, default=str).encode()
    assert len(files(place.open("t.csv"))) == 4


def test_columns_that_say_nothing_are_named_as_far_as_they_can(place):
    put_in_latin_1(place, "Etikett;Kategorie;Größe", ";")
    with pytest.raises(BadDataset) as caught:
        files(place.open("t.csv"))
    assert "Gr\ufffd\ufffde" in caught.value.message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("all.csv", "file_name,species,Split\na/1.png,cat,train\na/2.png,dog,test\n"),
        ("all.csv", '\ufeff"file_name";"label";"subset"\r\n"a/1.png";"cat";"TRAIN"\r\n"a/2.png";"dog";"testing"\r\n'),
        ("all.tsv", "label\tsplit\timage\ncat\ttrain\ta/1.png\ndog\ttest\ta/2.png\n"),
        ("all.csv", "id|y|set|path\n7|cat|train|a/1.png\n8|dog|test|a/2.png\n"),
        ("all.jsonl", '{"image": "a/1.png", "label": "cat", "split": "train"}\n\n'
                      '{"image": {"path": "a/2.png"}, "label": "dog", "split": "test"}\n'),
    ],
)  # fmt: skip
def test_columns_are_known_by_their_names(place, name, content):
    place.put("a/1.png", "a/2.png").put(name, content=content)
    source = place.open()
    assert files(source) == {"a/1.png": ("cat", "train"), "a/2.png": ("dog", "test")}
    check_sample_source(source, has_splits=True)


def test_utf_16_as_spreadsheets_write_it(place):
    place.put("é.png").put("t.csv", content="datei\tklasse\né.png\tKüche\n".encode("utf-16"))
    assert files(place.open()) == {"é.png": ("Küche", None)}


def test_a_table_without_a_header(place):
    place.put("a.png", "b.png").put("t.csv", content="a.png,cat\nb.png,dog\n")
    assert files(place.open()) == {"a.png": ("cat", None), "b.png": ("dog", None)}


def test_names_without_folder_and_extension_are_found(place):
    place.put("images/x1.png", "images/x2.png").put("train.csv", content="id_code,diagnosis\nx1,0\nx2,3.0\n")
    assert files(place.open()) == {"images/x1.png": ("0", "train"), "images/x2.png": ("3", "train")}


def test_the_preview_shows_columns_rows_and_what_is_missing(place):
    place.put("t.csv", content="picture name,what,weight,patient\na.png,cat,0.5,p1\nb.png,dog,1,p2\n")
    look = place.preview("t.csv").look
    assert look.columns == ("picture name", "what", "weight", "patient")
    assert look.chosen == {"image": "picture name", "weight": "weight", "group": "patient"}
    assert look.rows[1] == ("b.png", "dog", "1", "p2")
    assert look.notes == (
        "Of the first 2 pictures that t.csv names, 2 are not there; the first one missing is a.png.",
        "Groups are from the column patient of t.csv.",
        "Weights are from the column weight of t.csv.",
    )
    assert look.counts == (SplitCount(None, 2),)


def test_columns_that_are_missing_are_asked_for(place):
    place.put("a.png").put("t.csv", content="a,b,c\na.png,1,2\n")
    with pytest.raises(BadDataset) as caught:
        listed(place.open("t.csv"))
    assert caught.value.code == "table.no-label"
    assert "There are a, b, c." in caught.value.message
    assert files(place.open("t.csv", columns={"label": "c"})) == {"a.png": ("2", None)}
    with pytest.raises(BadDataset) as caught:
        place.open("t.csv", columns={"label": "d"}).look()
    assert caught.value.code == "table.column"


def test_a_column_called_set_that_tells_no_splits_is_none(place):
    place.put("a.png").put("t.csv", content="image,label,set\na.png,cat,7\n")
    assert files(place.open()) == {"a.png": ("cat", None)}
    (rejected,) = listed(place.open(columns={"split": "set"})).rejected
    assert (rejected.path, rejected.code) == ("t.csv:2", "table.split")


def test_hugging_face_image_folders_with_metadata(place):
    place.put("train/1.png", "train/2.png", "test/1.png")
    place.put("train/metadata.csv", content="file_name,label\n1.png,cat\n2.png,dog\n")
    place.put("test/metadata.jsonl", content='{"file_name": "1.png", "label": "dog"}\n')
    assert files(place.open()) == {
        "train/1.png": ("cat", "train"),
        "train/2.png": ("dog", "train"),
        "test/1.png": ("dog", "test"),
    }


def test_metadata_without_labels_leaves_class_folders_as_they_are(place):
    place.put("train/cat/1.png", "test/cat/2.png", "train/dog/1.png")
    place.put("train/metadata.csv", content="file_name,text\ncat/1.png,a cat\n")
    assert place.preview().layout == "folders"


def test_hugging_face_parquet_with_pictures_within(place):
    write_parquet(place.folder / "data/train-00000-of-00002.parquet", [0, 1, 1, 0, 1], names=["cat", "dog"])
    write_parquet(place.folder / "data/train-00001-of-00002.parquet", [1], names=["cat", "dog"])
    write_parquet(place.folder / "data/validation-00000-of-00001.parquet", [1, None, 7], names=["cat", "dog"])
    preview = place.preview()
    assert preview.layout == "table"
    assert preview.look.counts == (SplitCount("train", 6), SplitCount("val", 3))
    assert preview.look.classes == ("cat", "dog")
    assert preview.look.rows[0][0].startswith("picture, ")
    source = place.open()
    listing = listed(source)
    assert [file.class_name for file in listing.files] == ["cat", "dog", "dog", "cat", "dog", "dog", "dog"]
    assert [each.code for each in listing.rejected] == ["list.no-label", "list.label"]
    assert [source.read(file.path) for file in listing.files[:5]] == PICTURES[:5]
    check_sample_source(source, has_splits=True)


def test_an_attempt_that_follows_reads_what_was_set_aside(place):
    write_parquet(place.folder / "all.parquet", [0, 1])
    listed(place.open())
    source = place.open()
    assert source.read("all.parquet/0000002.png") == PICTURES[1]
    for path in ("all.parquet/0000003.png", "all.parquet/0000000.png", "all.parquet/x.png", "other/1.png"):
        with pytest.raises(BadImage):
            source.read(path)


def test_a_listing_that_was_stopped_leaves_nothing_to_read(place):
    write_parquet(place.folder / "all.parquet", [0, 1])
    answers = iter([False, True])
    list(place.open().finds(should_stop=lambda: next(answers)))
    with pytest.raises(BadImage):
        place.open().read("all.parquet/0000001.png")


def test_parquet_that_names_files_and_parquet_with_plain_bytes(place):
    place.put("x/1.png", "x/2.png")
    pq.write_table(pa.table({"path": ["x/1.png", "x/2.png"], "label": ["a", "b"]}), place.folder / "t.parquet")
    assert files(place.open()) == {"x/1.png": ("a", None), "x/2.png": ("b", None)}
    pq.write_table(pa.table({"img": [*PICTURES[:2], b""], "y": [1.0, float("nan"), 1.0]}), place.folder / "t.parquet")
    listing = listed(place.open())
    assert [file.class_name for file in listing.files] == ["1"]
    assert [each.code for each in listing.rejected] == ["list.no-label", "image.empty"]


def test_the_error_names_the_command_where_a_package_is_missing():
    with pytest.raises(BadDataset) as caught:
        needed("no_such_package", "Parquet files")
    assert "pip install 'tenfold[formats]'" in caught.value.message


@pytest.mark.parametrize(
    "content",
    [
        b'image,label\n"x.png,1\n',
        b"image,label\n" + b"x.png,\0\n",
        b"image,label\nx.png,1,2,3\n",
        b'image,label\n"' + b"y" * 200_000 + b'",1\n',
        b"image,label\n\xff\xfe.png,1\n",
        b"image,label\nhttp://a/b.png,1\n",
        b"image,label\n,1\nx.png,\n",
    ],
)
def test_odd_rows_are_rejected_by_number(place, content):
    place.put("t.csv", content=content)
    listing = listed(place.open("t.csv", columns={"image": "image", "label": "label"}))
    assert listing.files == ()
    assert listing.rejected
    assert all(each.path.startswith("t.csv:") for each in listing.rejected)


@pytest.mark.parametrize("line", ["[1, 2]", "{", "[" * 100_000, '"a"', "NaN", '{"image": 3}', "1" * 5000])
def test_odd_json_lines_are_rejected_by_number(place, line):
    place.put("a.png").put("t.jsonl", content='{"image": "a.png", "label": "cat"}\n' + line + "\n")
    listing = listed(place.open("t.jsonl"))
    assert len(listing.files) == 1
    assert [each.path for each in listing.rejected] == ["t.jsonl:2"]


@pytest.mark.parametrize("step", range(10))
def test_parquet_cut_at_every_tenth_byte_is_a_named_error(place, step):
    write_parquet(place.folder / "whole.parquet", [0, 1], names=["cat", "dog"], pictures=SMALL)
    whole = (place.folder / "whole.parquet").read_bytes()
    (place.folder / "whole.parquet").unlink()
    for end in range(step * 10, len(whole), 100):
        place.put("t.parquet", content=whole[:end])
        with pytest.raises(BadDataset) as caught:
            listed(place.open())
        assert caught.value.code == "table.unreadable"


def test_parquet_with_any_byte_changed_never_breaks_the_reader(place):
    write_parquet(place.folder / "whole.parquet", [0, 1], names=["cat", "dog"], pictures=SMALL)
    whole = (place.folder / "whole.parquet").read_bytes()
    (place.folder / "whole.parquet").unlink()
    for at in range(4, len(whole), 37):
        place.put("t.parquet", content=whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            source = place.open("t.parquet")
            source.look()
            listed(source)
        except BadDataset as error:
            assert error.code.startswith(("table.", "file.")), error.code  # noqa: PT017 - most changes do no harm


def test_a_csv_of_class_folders_that_is_about_something_else(place):
    place.put("cats/1.png", "dogs/2.png").put("notes.csv", content="file,label\nreadme,1\n")
    assert place.preview().layout == "folders"


def test_a_recognised_column_can_be_taken_back(place):
    place.put("t.csv", content="file_name,label,group,weight\na.png,cat,p1,2\nb.png,dog,p2,1\n")
    assert set(place.open("t.csv").look().chosen) == {"image", "label", "group", "weight"}
    taken_back = place.open("t.csv", columns={"group": "-", "weight": "-"}).look().chosen
    assert dict(taken_back) == {"image": "file_name", "label": "label"}


def test_two_columns_are_not_guessed_at_when_the_classes_are_said_to_have_none(place):
    place.put("t.csv", content="file_name,what\na.png,cat\nb.png,dog\n")
    assert set(place.open("t.csv").look().chosen) == {"image", "label"}
    assert set(place.open("t.csv", columns={"label": "-"}).look().chosen) == {"image"}


def test_what_else_a_folder_holds_is_named(place):
    place.put("a/1.png", "b/2.png").put("table.csv", content="image,label\na/1.png,x\nb/2.png,y\n")
    assert place.preview().look.notes == ()
    for name in ("more.zip", "pixels.npy", "notes.h5", "base/data.mdb", "labels.txt", "README.txt"):
        place.put(name, content=b"x")
    preview = place.preview()
    assert preview.layout == "table"
    told = "Also there, and not read: more.zip, notes.h5, pixels.npy, base/."
    assert preview.look.notes[-1] == f"{told} To read one of them, choose it by its own path."
    assert len(place.preview("table.csv").look.notes) == 1
