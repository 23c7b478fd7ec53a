"""Labels of every kind, groups and weights as tables, lists and arrays tell them, and hostile ones."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tenfold.core.errors import BadDataset
from tenfold.testing.datasets import check_sample_source, listed
from tenfold.testing.picture_files import encode, make_photo

PICTURE = encode(make_photo(6, 6))


def classes_of(source):
    return {file.path.rpartition("/")[2][:7]: file.classes for file in listed(source).files}


def codes_of(source):
    return {file.path: file.code for file in listed(source).rejected}


def test_groups_and_weights_of_a_table_are_told(place):
    place.put("a.png", "b.png", "c.png")
    place.put("t.csv", content="image,label,patient,weight\na.png,x,p1,0.5\nb.png,y, 7.0 ,\nc.png,x,,2\n")
    told = {file.path: (file.group, file.weight) for file in listed(place.open()).files}
    assert told == {"a.png": ("p1", 0.5), "b.png": ("7.0", 1.0), "c.png": ("", 2.0)}
    check_sample_source(place.open(), has_splits=False)
    assert "Groups are from the column patient of t.csv." in listed(place.open()).notes


def test_a_recognised_column_can_be_left_out(place):
    place.put("a.png").put("t.csv", content="image,label,session,weight\na.png,x,s1,none\n")
    (file,) = listed(place.open(columns={"group": "-", "weight": "-"})).files
    assert (file.group, file.weight) == ("", 1.0)
    assert place.preview(columns={"group": "-"}).look.chosen == {"image": "image", "label": "label", "weight": "weight"}


@pytest.mark.parametrize("weight", ["0", "-1", "nan", "inf", "1e999", "1e-60", "1,5", "heavy", "²", "1" * 100, "0x1"])
def test_weights_that_are_none_are_named(place, weight):
    place.put("a.png", "b.png").put("t.csv", content=f'image,label,weight\na.png,x,"{weight}"\nb.png,y,1\n')
    assert codes_of(place.open()) == {"t.csv:2": "table.weight"}
    (rejected,) = listed(place.open()).rejected
    assert "is no number above 0" in rejected.message


@pytest.mark.parametrize("group", ["a\x07b", "x" * 501, "\ud800"])
def test_groups_that_are_no_names_are_named(place, group):
    row = json.dumps({"image": "a.png", "label": "x", "group": group})
    place.put("a.png").put("t.jsonl", content=f"{row}\n")
    assert codes_of(place.open()) == {"t.jsonl:1": "table.group"}


def test_numbers_of_a_table(place):
    rows = ["3", "-2.5e1", " 7.0 ", "nan", "inf", "", "old", "3,5", "1_0", "٣"]
    for number in range(len(rows)):
        place.put(f"{number}.png")
    lines = "".join(f'{number}.png,"{text}"\n' for number, text in enumerate(rows))
    place.put("t.csv", content=f"image,label\n{lines}")
    listing = listed(place.open(label_kind="number"))
    assert [file.value for file in listing.files] == [3, -25, 7]
    assert [file.code for file in listing.rejected].count("list.no-label") == 1
    assert [file.code for file in listing.rejected].count("label.number") == 6
    assert all(file.path.startswith("t.csv:") for file in listing.rejected)


def test_several_classes_of_a_table(place):
    place.put(*(f"{number}.png" for number in range(6)))
    place.put("t.csv", content='image,tags\n0.png,b|a\n1.png,a; b;\n2.png,\n3.png,"[""c|d""]"\n4.png,"a|\x07"\n5.png\n')
    source = place.open(label_kind="classes", columns={"label": "tags"})
    assert classes_of(source) == {
        "0.png": ("a", "b"), "1.png": ("a", "b"), "2.png": (), "3.png": ("c|d",),
    }  # fmt: skip
    assert codes_of(source) == {"t.csv:6": "list.label", "t.csv:7": "list.no-label"}


def test_lists_in_json_lines(place):
    labels = [["b", "a"], [], ["a", 3], "a|b", None, {"x": 1}, [["a"]], ["a", ""], 7]
    place.put(*(f"{number}.png" for number in range(len(labels))))
    place.put(
        "t.jsonl",
        content="".join(json.dumps({"image": f"{at}.png", "label": each}) + "\n" for at, each in enumerate(labels)),
    )
    assert classes_of(place.open(label_kind="classes")) == {
        "0.png": ("a", "b"), "1.png": (), "2.png": ("3", "a"), "3.png": ("a", "b"), "8.png": ("7",),
        "5.png": ('{"x": 1}',), "6.png": ('[["a"]]',),
    }  # fmt: skip
    assert codes_of(place.open(label_kind="classes")) == {"t.jsonl:5": "list.no-label", "t.jsonl:8": "list.label"}
    one = {file.path: file.class_name for file in listed(place.open()).files}
    assert one["3.png"] == "a|b"
    assert "0.png" not in one


def write_parquet(path, labels, feature):
    images = [{"bytes": PICTURE, "path": f"{number}.png"} for number in range(len(labels))]
    table = pa.table({"image": images, "label": labels})
    features = {"image": {"_type": "Image"}, "label": feature}
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}), path)


NAMED = {"_type": "ClassLabel", "names": ["cat", "dog", "cow"]}


@pytest.mark.parametrize(
    "feature", [{"_type": "Sequence", "feature": NAMED}, {"_type": "List", "feature": NAMED}, [NAMED]]
)
def test_lists_of_class_labels_in_parquet(place, feature):
    write_parquet(place.folder / "train.parquet", [[2, 0], [], [1], [9], None], feature)
    source = place.open(label_kind="classes")
    assert classes_of(source) == {"0000001": ("cat", "cow"), "0000002": (), "0000003": ("dog",)}
    assert codes_of(source) == {"train.parquet:4": "list.label", "train.parquet:5": "list.no-label"}
    assert place.preview(label_kind="classes").look.classes == ("cat", "dog", "cow")


def test_lists_of_texts_and_of_numbers_in_parquet(place):
    write_parquet(place.folder / "t.parquet", [["b", "a"], ["a" * 600]], {"_type": "Sequence"})
    assert classes_of(place.open(label_kind="classes")) == {"0000001": ("a", "b")}
    (place.folder / "t.parquet").unlink()
    write_parquet(place.folder / "u.parquet", [0.25, float("nan"), float("inf"), None], {"_type": "Value"})
    source = place.open(label_kind="number")
    assert [file.value for file in listed(source).files] == [0.25]
    assert sorted(codes_of(source).values()) == ["label.number", "list.no-label", "list.no-label"]


def test_a_column_for_every_class(place):
    place.put(*(f"{number}.png" for number in range(4)))
    place.put("t.csv", content="image,MEL,NV,age\n0.png,1.0,0.0,44\n1.png,1,1,45\n2.png,0,0,46\n3.png,0,1,47\n")
    source = place.open(label_kind="classes")
    assert classes_of(source) == {"0.png": ("MEL",), "1.png": ("MEL", "NV"), "2.png": (), "3.png": ("NV",)}
    assert place.preview(label_kind="classes").look.classes == ("MEL", "NV")
    with pytest.raises(BadDataset, match=r"No column of t\.csv names the labels"):
        listed(place.open("t.csv"))


def test_a_later_row_that_is_neither_0_nor_1_is_named(place):
    rows = "".join(f"{number}.png,{number % 2},1\n" for number in range(30))
    place.put(*(f"{number}.png" for number in range(31)))
    place.put("t.csv", content=f"image,a,b\n{rows}30.png,-1,1\n")
    assert codes_of(place.open(label_kind="classes")) == {"t.csv:32": "list.label"}


def test_arrays_with_a_column_for_every_class(place):
    pictures = np.zeros((5, 4, 4), np.uint8)
    hot = np.array([[1, 1, 0], [0, 0, 0], [0, 0, 1], [0, 2, 0], [1, 0, 1]], np.float32)
    np.savez(place.folder / "all.npz", x=pictures, y=hot, class_names=np.array(["a", "b", "c"]))
    listing = listed(place.open(label_kind="classes"))
    assert [file.classes for file in listing.files] == [("a", "b"), (), ("c",), ("a", "c")]
    assert [file.code for file in listing.rejected] == ["list.label"]
    assert [file.class_name for file in listed(place.open()).files] == ["c", "b"]


def test_arrays_of_numbers(place):
    values = np.array([0.5, -3, np.nan, np.inf, 1e30], np.float32)
    np.savez(place.folder / "all.npz", x=np.zeros((5, 4, 4), np.uint8), y=values)
    listing = listed(place.open(label_kind="number"))
    assert [file.value for file in listing.files] == [0.5, -3.0, float(np.float32(1e30))]
    assert [file.code for file in listing.rejected] == ["label.number"] * 2


FOREIGN = "bike\nbus\ncar\n"


def test_a_foreign_file_of_class_names_is_not_used_where_labels_are_names(place):
    rows = [f"{number}.png,{name}\n" for number, name in enumerate(["cat", "dog", "owl", "rocket"])]
    place.put(*(f"{number}.png" for number in range(4))).put("labels.txt", content=FOREIGN)
    place.put("t.csv", content="image,species\n" + "".join(rows))
    found = listed(place.open())
    assert sorted(file.class_name for file in found.files) == ["cat", "dog", "owl", "rocket"]
    assert not found.rejected
    note = "labels.txt is not used: labels are no numbers of its lines, from 0 to 2."
    assert note in found.notes
    look = place.preview("t.csv").look
    assert (look.classes, note in look.notes) == (("cat", "dog", "owl", "rocket"), True)


@pytest.mark.parametrize(("kind", "expected"), [("classes", [("low", "owl"), ("mid",)]), ("order", ["owl|low", "mid"])])
def test_a_foreign_file_of_class_names_leaves_other_kinds_of_label_alone(place, kind, expected):
    place.put("0.png", "1.png").put("labels.txt", content=FOREIGN)
    for name, text in (("t.csv", "image,label\n0.png,owl|low\n1.png,mid\n"), ("t.lst", "0.png owl|low\n1.png mid\n")):
        found = listed(place.put(name, content=text).open(name, label_kind=kind))
        assert not found.rejected, name
        assert [file.classes or file.class_name for file in found.files] == expected, name


def test_a_file_of_class_names_is_used_where_labels_are_numbers_and_says_so(place):
    place.put(*(f"{number}.png" for number in range(4))).put("labels.txt", content=FOREIGN)
    place.put("t.csv", content="image,label\n0.png,0\n1.png,2.0\n2.png,bus\n3.png,3\n")
    found = listed(place.open("t.csv"))
    assert [file.class_name for file in found.files] == ["bike", "car", "bus"]
    (refused,) = found.rejected
    told = "labels.txt names bike, bus, car; a label is one of these, or its number from 0 to 2."
    assert refused.message == f"The label '3' is no class: {told}"
    assert "Labels are numbers; labels.txt names their classes." in found.notes
    assert found.notes == place.preview("t.csv").look.notes


def test_several_classes_of_a_list_may_be_numbers_of_names(place):
    place.put("0.png", "1.png").put("labels.txt", content=FOREIGN).put("t.lst", content="0.png 0|2\n1.png 7\n")
    found = listed(place.open("t.lst", label_kind="classes"))
    assert [file.classes for file in found.files] == [("bike", "car")]
    assert [each.code for each in found.rejected] == ["list.label"]


def test_numbers_of_a_list_are_numbers_whatever_names_lie_beside(place):
    place.put("0.png", "1.png").put("labels.txt", content=FOREIGN).put("t.lst", content="0.png 0\n1.png 2\n")
    assert [file.class_name for file in listed(place.open("t.lst", label_kind="number")).files] == ["0", "2"]


def torn_table(place):
    """Ten pictures of three patients, the first of whom is in two splits."""
    rows = [("p0", "train"), ("p0", "val"), *[("p1", "train")] * 5, *[("p2", "test")] * 3]
    place.put(*(f"{number}.png" for number in range(10)))
    lines = (f"{number}.png,x,{patient},{split}\n" for number, (patient, split) in enumerate(rows))
    return place.put("t.csv", content="image,label,patient,split\n" + "".join(lines))


def test_a_guessed_column_of_groups_that_contradicts_the_splits_is_not_taken(place):
    look = torn_table(place).preview("t.csv").look
    assert "group" not in look.chosen
    assert any(note.startswith("The column patient of t.csv is not taken for groups") for note in look.notes)
    assert {each.split: each.count for each in look.counts} == {"train": 6, "val": 1, "test": 3}
    assert place.preview("t.csv").sentence.endswith(
        "6 pictures for training, 1 pictures for validation, 3 pictures for testing."
    )
    assert {file.group for file in listed(place.open("t.csv")).files} == {""}


def test_a_chosen_column_of_groups_is_taken_and_what_it_costs_is_told_before(place):
    look = torn_table(place).preview("t.csv", columns={"group": "patient"}).look
    assert look.chosen["group"] == "patient"
    assert any("1 values are in two splits: their pictures are left out" in note for note in look.notes)
    without = place.preview("t.csv", columns={"group": "-"}).look
    assert not any("patient" in note for note in without.notes)
