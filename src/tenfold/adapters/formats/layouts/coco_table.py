"""COCO-style JSON as a table: a row an image, its classes the categories of its annotations (cocodataset.org)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

from tenfold.adapters.formats.files.guarded_folder import GuardedFolder
from tenfold.adapters.formats.files.json_stream import read_members
from tenfold.adapters.formats.files.table_rows import Row
from tenfold.adapters.formats.layouts.scene import Scene
from tenfold.adapters.formats.layouts.text_tables import number_cell
from tenfold.core.datasets.layouts import COCO_FILES, split_of_name
from tenfold.core.datasets.model import Split
from tenfold.core.errors import BadDataset, BadImage

FOLDER = "annotations"
MAX_IMAGES = 5_000_000
_MORE = ("split", "group", "weight")
_LOOK_BYTES = 1 << 16
_SIGNS = re.compile(rb'"(images|annotations|categories)"\s*:\s*\[')
_YEAR = re.compile(r"(?<=[a-z])(19|20)\d\d")


@dataclass
class _Content:
    """What a file tells: images by id, of each the ids of its categories, or its number."""

    info: Mapping[str, Any] = field(default_factory=dict)
    images: dict[object, tuple[str, tuple[str | None, ...]]] = field(default_factory=dict)
    categories: dict[object, str] = field(default_factory=dict)
    told: dict[object, dict[object, None]] = field(default_factory=dict)
    values: dict[object, str | None] = field(default_factory=dict)
    has_outlines: bool = False


class CocoTable:
    """Fulfils `Table` over a COCO-style JSON file: image, label, and split, group and weight where it has them.

    The label are the names of all categories that annotations give an image, or the number (`value`) of its annotation.
    """

    def __init__(self, guard: GuardedFolder, path: str) -> None:
        self._guard = guard
        self.path = path

    @cached_property
    def columns(self) -> tuple[str, ...]:
        told = [
            name
            for at, name in enumerate(_MORE)
            if any(more[at] is not None for _, more in self._content.images.values())
        ]
        return ("image", "label", *told)

    def rows(self, columns: Collection[str] | None = None, *, limit: int | None = None) -> Iterator[Row]:  # noqa: ARG002
        content = self._content
        for number, (image, (name, more)) in enumerate(islice(content.images.items(), limit), 1):
            label = content.values[image] if image in content.values else self._names(content.told.get(image, {}))
            cells = dict(zip(_MORE, more, strict=True))
            yield Row(number, {"image": name, "label": label, **{column: cells[column] for column in self.columns[2:]}})

    def class_names(self, column: str) -> tuple[str, ...]:  # noqa: ARG002 - labels are names
        return ()

    def num_rows(self) -> tuple[int, bool]:
        return len(self._content.images), True

    def notes(self) -> Iterator[str]:
        """What of the file is not used, and what it says of itself."""
        content = self._content
        if content.has_outlines:
            yield f"Boxes and outlines in {self.path} are not used: a picture has the classes of its annotations."
        several = sum(len(told) > 1 for told in content.told.values())
        if several:
            yield f"In {self.path} {several:,} pictures have several classes: choose that kind of label to keep them."
        kinds = {"classes": "Several classes", "order": "Classes in an order", "number": "A number"}
        kind = kinds.get(str(content.info.get("label_kind")))
        if kind and not several:
            yield f"{self.path} was exported with this kind of label: {kind}."

    def _names(self, told: Collection[object]) -> tuple[str, ...] | None:
        """The names of categories; nothing where one is not among them."""
        names = tuple(self._content.categories.get(each) for each in told)
        known = tuple(name for name in names if name is not None)
        return known if len(known) == len(names) else None

    @cached_property
    def _content(self) -> _Content:
        content = _Content()
        readers = {"images": _add_image, "annotations": _add_annotation, "categories": _add_category}
        for name, value in read_members(self._guard, self.path):
            if name == "info" and isinstance(value, dict):
                content.info = value
            elif name in readers and isinstance(value, dict):
                readers[name](content, value)
            if len(content.images) > MAX_IMAGES:
                raise BadDataset(f"{self.path} has over {MAX_IMAGES:,} images.", code="table.too-many")
        if not content.images:
            raise BadDataset(f"{self.path} names no images: a list images is expected.", code="table.unreadable")
        return content


def find_coco(scene: Scene, *, is_meant: bool) -> list[str]:
    """Paths of COCO-style files: those of the folder, else of its folder `annotations`; or the chosen file.

    This need not look like one if it is meant as such.
    """
    for folder in ("",) if scene.is_file else ("", f"{FOLDER}/"):
        names = scene.files if not folder else scene.files_in(FOLDER)
        found = [f"{folder}{name}" for name in names if name.casefold().endswith(COCO_FILES)]
        if not (scene.is_file and is_meant):
            found = [path for path in found if _looks_like_coco(scene.guard, path)]
        if found:
            return [path for path in found if split_of_coco(path)] or found[:1]
    return []


def split_of_coco(path: str) -> Split | None:
    """The split that a file's name speaks of, as in `instances_train2017.json`."""
    return split_of_name(_YEAR.sub("", path.rpartition("/")[2].partition(".")[0].casefold()))


def _looks_like_coco(guard: GuardedFolder, path: str) -> bool:
    """Whether a file begins as an object with lists of images, annotations or categories."""
    try:
        with guard.opened(path) as file:
            head = file.read(_LOOK_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    except BadImage:
        return False
    return head.startswith(b"{") and _SIGNS.search(head) is not None


def _add_image(content: _Content, value: Mapping[str, Any]) -> None:
    key, name = value.get("id"), value.get("file_name")
    if isinstance(name, str) and isinstance(key, int | str):
        more = (value.get(field) for field in _MORE)
        content.images.setdefault(key, (name, tuple(_text(each) for each in more)))


def _add_annotation(content: _Content, value: Mapping[str, Any]) -> None:
    key, category = value.get("image_id"), value.get("category_id")
    if not isinstance(key, int | str):
        return
    content.has_outlines = content.has_outlines or bool(value.get("bbox") or value.get("segmentation"))
    if isinstance(value.get("value"), int | float):
        content.values[key] = number_cell(value["value"])
    elif isinstance(category, int | str):
        content.told.setdefault(key, {})[category] = None


def _add_category(content: _Content, value: Mapping[str, Any]) -> None:
    key, name = value.get("id"), value.get("name")
    if isinstance(key, int | str) and isinstance(name, str):
        content.categories[key] = name


def _text(value: object) -> str | None:
    return number_cell(value) if isinstance(value, int | float) else value if isinstance(value, str) else None
