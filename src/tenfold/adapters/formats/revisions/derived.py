"""A revision made from another one: the columns that differ are written, all others are the parent's own files."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tenfold.adapters.formats.files.disk_room import named_disk_errors
from tenfold.adapters.formats.revisions.reader import (
    LABEL_COLUMNS,
    MANIFEST,
    PIXELS,
    RevisionFolder,
    column_file,
    open_revision,
)
from tenfold.adapters.formats.revisions.writer import ContentHash, describe_file
from tenfold.core.datasets.edits import Assigned, Edit, Indices, apply_change, checked_indices, differences
from tenfold.core.datasets.label_space import count_bits
from tenfold.core.datasets.marks import NO_MARKS, Marks
from tenfold.core.datasets.model import DELETED, ONE_CLASS, SPLITS, RevisionManifest, StoredFile
from tenfold.core.datasets.planning import count_samples, split_sizes
from tenfold.core.errors import Damaged

NO_LINKS = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.ENOSYS}
KEPT_STATISTICS = "Mean and deviation are those of the first revision, so that runs on all revisions can be compared."


def derive_revision(parent: Path, destination: Path, edit: Edit, marks: Marks = NO_MARKS) -> RevisionManifest:
    """Fulfils `tenfold.core.datasets.ports.RevisionDeriver`."""
    reader = open_revision(parent)
    before = reader.assigned()
    if isinstance(edit.chosen, tuple):
        chosen: Indices = checked_indices(edit.chosen, before.splits)
    else:
        chosen = reader.find(edit.chosen, marks)
    after = apply_change(edit.change, before, chosen)
    with named_disk_errors(after.labels.nbytes + after.splits.nbytes):
        written = _write_changed(destination, before, after)
        manifest = reader.manifest
        kept = [
            file for file in manifest.files if file.name != PIXELS and file.name not in {each.name for each in written}
        ]
        for file in kept:
            link_file(parent / file.name, destination / file.name)
        derived = replace(
            manifest,
            classes=after.classes,
            counts=count_labels(after, reader.columns),
            split_sizes=split_sizes(after.splits),
            num_excluded=int(((after.splits < 0) & (after.splits != DELETED)).sum()),
            num_deleted=int((after.splits == DELETED).sum()),
            notes=tuple(dict.fromkeys([*manifest.notes, KEPT_STATISTICS])),
            pixels=tuple(replace(store, revision=store.revision or parent.name) for store in manifest.pixels),
            content=_content(reader, before, after),
            files=tuple(sorted([*kept, *written], key=lambda file: file.name)),
            parent=parent.name,
            differences=differences(before, after),
        )
        text = json.dumps(derived.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
        (destination / MANIFEST).write_bytes(text.encode())
    return derived


def link_file(source: Path, target: Path) -> None:
    """Gives a file that never changes a second name, or copies it where the file system has no links."""
    try:
        os.link(source, target)
    except FileNotFoundError as error:
        raise Damaged(f"{source.name} in {source.parent.name} is missing.") from error
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        shutil.copyfile(source, target)


def count_labels(assigned: Assigned, columns: Mapping[str, npt.NDArray[Any]]) -> dict[str, tuple[int, ...]]:
    """Samples by split and class; one with several classes counts for each of them."""
    num_classes = len(assigned.classes)
    if assigned.kind in ONE_CLASS:
        return count_samples(assigned.labels, assigned.splits, num_classes)
    if assigned.kind == "number":
        return dict.fromkeys(SPLITS, ())
    sets = columns["class_sets"]
    return {
        split: tuple(count_bits(sets[assigned.splits == code], num_classes).tolist())
        for code, split in enumerate(SPLITS)
    }


def _write_changed(destination: Path, before: Assigned, after: Assigned) -> list[StoredFile]:
    columns: tuple[tuple[str, npt.NDArray[Any], npt.NDArray[Any]], ...] = (
        ("labels", before.labels, after.labels),
        ("splits", before.splits, after.splits),
    )
    written = []
    for name, old, new in columns:
        if not np.array_equal(old, new):
            path = destination / column_file(name)
            np.save(path, new)
            written.append(describe_file(path))
    return written


def _content(reader: RevisionFolder, before: Assigned, after: Assigned) -> str:
    """The parent's content hash with the rows that changed taken out as they were and put in as they are."""
    changed = np.flatnonzero((before.labels != after.labels) | (before.splits != after.splits))
    shape = reader.manifest.preprocessing.shape
    content = ContentHash(
        after.classes, shape, start=reader.manifest.content, group_name=reader.group_names.__getitem__
    )
    pixels = reader.pixel_hashes(changed)
    told = {name: reader.columns[name][changed] for name in LABEL_COLUMNS if name in reader.columns}
    content.add(pixels, {**told, **_of(before, changed)}, sign=-1)
    content.add(pixels, {**told, **_of(after, changed)})
    return content.hexdigest()


def _of(assigned: Assigned, changed: npt.NDArray[np.intp]) -> dict[str, npt.NDArray[Any]]:
    return {"labels": assigned.labels[changed], "splits": assigned.splits[changed]}
