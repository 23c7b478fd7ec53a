"""COCO-style JSON: what other programs write, and what is wrong with some of it."""

import json

import pytest

from tenfold.core.errors import BadDataset
from tenfold.testing.datasets import check_sample_source, listed

BOX = {"bbox": [0, 0, 4, 4], "area": 16, "iscrowd": 0, "segmentation": [[0, 0, 4, 4, 0, 4]]}


def coco(images, annotations, categories=("cat", "dog"), **more):
    return json.dumps(
        {
            "info": {"year": 2017},
            "licenses": [],
            "images": [{"id": key, "file_name": name, "width": 8, "height": 8} for key, name in images],
            "annotations": [
                {"id": at, "image_id": image, "category_id": category, **BOX}
                for at, (image, category) in enumerate(annotations)
            ],
            "categories": [{"id": 10 * at, "name": name, "supercategory": "x"} for at, name in enumerate(categories)],
            **more,
        }
    )


def test_the_folders_of_coco_are_recognised(place):
    place.put("train2017/1.jpg", "train2017/2.jpg", "val2017/3.jpg", *(f"val2017/{at}.jpg" for at in range(4, 9)))
    place.put(
        "annotations/instances_train2017.json", content=coco([(1, "1.jpg"), (2, "2.jpg")], [(1, 0), (1, 0), (2, 10)])
    )
    place.put(
        "annotations/instances_val2017.json",
        content=coco([(at, f"{at}.jpg") for at in range(3, 9)], [(at, 10) for at in range(3, 9)]),
    )
    place.put("annotations/notes.json", content="[1, 2]")
    found = listed(place.open())
    assert [(file.path, file.class_name, file.split) for file in found.files[:3]] == [
        ("train2017/1.jpg", "cat", "train"),
        ("train2017/2.jpg", "dog", "train"),
        ("val2017/3.jpg", "dog", "val"),
    ]
    assert sum("Boxes and outlines in annotations/instances_" in note for note in found.notes) == 2
    preview = place.preview()
    assert preview.sentence == "This is COCO-style JSON: 2 pictures for training, 6 pictures for validation."
    assert preview.look.classes == ("cat", "dog")
    check_sample_source(place.open(), has_splits=True)


def test_a_picture_of_several_categories_has_several_classes(place):
    place.put("1.jpg", "2.jpg", "3.jpg")
    place.put("all.json", content=coco([(1, "1.jpg"), (2, "2.jpg"), (3, "3.jpg")], [(1, 10), (1, 0), (2, 10)]))
    several = listed(place.open(label_kind="classes"))
    assert [file.classes for file in several.files] == [("cat", "dog"), ("dog",), ()]
    one = listed(place.open())
    assert {file.path: file.code for file in one.rejected} == {
        "all.json:1": "list.several",
        "all.json:3": "list.no-label",
    }
    assert "choose the kind of label Several classes" in one.rejected[0].message
    assert any("1 pictures have several classes" in note for note in place.preview("all.json").look.notes)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is no JSON object"),
        ("[]", "is no JSON object"),
        ('{"images": [', "is no JSON object"),
        ('{"images": [{"id": 1, "file_name": "1.jpg"},]}', "follows a comma"),
        ('{"images": ' + "[" * 100_000, "is no JSON object"),
        ('{"images": [1, {"file_name": 2}, {"id": [], "file_name": "1.jpg"}]}', "names no images"),
        (b"\xff\xfe{", "is not UTF-8"),
        ('{"images": [' + "9" * 100_000 + "]}", "is no JSON object"),
    ],
)
def test_files_that_are_no_such_json_are_named(place, content, message):
    place.put("1.jpg").put("all.json", content=content)
    with pytest.raises(BadDataset, match=message) as error:
        listed(place.open("all.json", layout="coco"))
    assert "all.json" in error.value.message


def test_annotations_of_nothing_known_are_rejected_by_row(place):
    place.put("1.jpg", "2.jpg", "3.jpg")
    images = [(1, "1.jpg"), (2, "2.jpg"), (3, "3.jpg"), ("x", "../../outside.jpg")]
    place.put("all.json", content=coco(images, [(1, 0), (2, 99), (4, 0), ("x", 10)]))
    found = listed(place.open())
    assert [file.path for file in found.files if not file.path.startswith("/")] == ["1.jpg"]
    assert {file.path: file.code for file in found.rejected}["all.json:2"] == "list.no-label"


def test_any_size_of_entry_up_to_the_limit_is_read(place):
    place.put("1.jpg")
    big = {"id": 1, "file_name": "1.jpg", "note": "x" * 300_000}
    text = json.dumps(
        {"images": [big], "annotations": [{"image_id": 1, "category_id": 0}], "categories": [{"id": 0, "name": "ü"}]}
    )
    (file,) = listed(place.put("all.json", content=text).open("all.json")).files
    assert file.class_name == "ü"
