"""A DIGITS 6 dataset job: databases and lists by split, names of classes, and what of it is left alone."""

from __future__ import annotations

from collections.abc import Iterator

from tenfold.adapters.formats.layouts.lmdb_source import FILE as LMDB_FILE
from tenfold.adapters.formats.layouts.scene import Part, Scene
from tenfold.core.datasets.layouts import HDF5_FILES, split_of_name

JOB_FOLDERS = ("train_db", "val_db", "test_db")
_LEFT_ALONE = {
    "status.pickle": "status.pickle is not opened: a pickle may run code.",
    "mean.binaryproto": "mean.binaryproto is not read: the mean is computed anew from the training pictures.",
}


def lmdb_parts(scene: Scene) -> list[Part]:
    """The folders that are LMDB databases, with the split that each is called after."""
    folders = (name for name in scene.folders if LMDB_FILE in scene.files_in(name))
    return [Part(name, split_of_name(name)) for name in folders]


def job_hdf5_files(scene: Scene) -> list[str]:
    """The HDF5 files of a job's databases."""
    return [
        f"{folder}/{name}"
        for folder in scene.folders
        if folder in JOB_FOLDERS
        for name in scene.files_in(folder)
        if name.casefold().endswith(HDF5_FILES)
    ]


def job_notes(scene: Scene) -> Iterator[str]:
    """Sentences about the files of a job that are not read."""
    yield from (text for name, text in _LEFT_ALONE.items() if name in scene.files)
