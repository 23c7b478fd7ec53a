"""Hostile Parquet and HDF5 files, which are read by a child process each."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .cases import (
    EITHER,
    GOOD,
    GREY,
    LABELS,
    RANDOM,
    READY,
    REFUSED,
    a_file,
    a_folder,
    cuts,
    declare,
    leave_to_campaign,
)
from .importing import Importer
from .ways import Source, put

FEW_PARQUET = (
    "parquet-cut-2",
    "parquet-changed-0",
    "parquet-nulls",
    "parquet-outside",
    "parquet-footer",
    "parquet-bomb",
)
FEW_HDF5 = ("hdf5-whole", "hdf5-loops", "hdf5-references", "hdf5-bomb", "hdf5-cut-3")


def a_parquet(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def declare_parquet() -> None:
    images, labels = list(GOOD.values()), [path[0] for path in GOOD]
    whole = a_parquet(image=images, label=labels)
    for number, content in cuts(whole, 4):
        declare(f"parquet-cut-{number}", "Parquet", a_file("t.parquet", content), REFUSED)
    for number in range(6):
        place = len(whole) - 10 - 53 * number
        content = whole[:place] + RANDOM.bytes(4) + whole[place + 4 :]
        declare(f"parquet-changed-{number}", "Parquet", a_file("t.parquet", content), EITHER)
    tables = {
        "nulls": (a_parquet(image=[*images, None], label=[*labels, None]), READY),
        "numbers": (a_parquet(image=list(range(12)), label=labels), REFUSED),
        "no-rows": (a_parquet(image=pa.array([], pa.binary()), label=pa.array([], pa.string())), REFUSED),
        "nested": (a_parquet(image=[[[each]] for each in images], label=labels), REFUSED),
        "dictionary": (a_parquet(image=images, label=pa.array(labels).dictionary_encode()), READY),
        "dates": (a_parquet(image=images, label=pa.array(range(12), pa.date32())), EITHER),
        "outside": (a_parquet(image=[*(f"../../{n}" for n in range(11)), "/etc/passwd"], label=labels), REFUSED),
        "magic": (b"PAR1" + bytes(50) + b"PAR1", REFUSED),
        "footer": (b"PAR1" + bytes(50) + b"\xff\xff\xff\x7fPAR1", REFUSED),
    }
    for name, (content, fate) in tables.items():
        declare(f"parquet-{name}", "Parquet", a_file("t.parquet", content), fate)

    def bomb(_importer: Importer, root: Path) -> Source:
        content = a_parquet(image=[b"x" * (8 << 20)] * 10, label=["a", "b"] * 5)
        return {"folder": str(put(root, {"t.parquet": content}) / "t.parquet")}

    declare("parquet-bomb", "Parquet", bomb, REFUSED)
    declare(
        "hf-metadata-broken",
        "Hugging Face",
        a_folder({**{f"train/{p}": c for p, c in GOOD.items()}, "train/metadata.csv": b"file_name\n\xff\0"}),
        EITHER,
    )
    leave_to_campaign("Parquet", but=FEW_PARQUET)


def hdf5(fill: Callable[[h5py.File], object]) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return buffer.getvalue()


def declare_hdf5() -> None:
    def plain(file: h5py.File) -> None:
        file["data"], file["label"] = GREY, LABELS

    def looped(file: h5py.File) -> None:
        file["a/b"] = h5py.SoftLink("/a")
        file["a/c"] = file["/"]

    def deep(file: h5py.File) -> None:
        file["/".join("g" * 900)] = GREY

    def compound(file: h5py.File) -> None:
        file["data"] = np.zeros(12, [("a", "u1"), ("b", "f4")])
        file["label"] = LABELS

    def bomb(file: h5py.File) -> None:
        file.create_dataset("data", (40_000, 100, 100), "u1", chunks=(1000, 100, 100), compression="gzip")
        file["label"] = np.arange(40_000) % 2

    def references(file: h5py.File) -> None:
        file["x"] = LABELS
        file["data"] = np.array([file["x"].ref] * 12, h5py.ref_dtype)
        file["label"] = LABELS

    whole = hdf5(plain)
    made = {"whole": (whole, READY), "empty": (hdf5(lambda _file: None), REFUSED)}
    made |= {"loops": (hdf5(looped), REFUSED), "deep": (hdf5(deep), EITHER), "compound": (hdf5(compound), REFUSED)}
    made |= {"bomb": (hdf5(bomb), REFUSED), "references": (hdf5(references), REFUSED)}
    made |= {"magic": (b"\x89HDF\r\n\x1a\n" + RANDOM.bytes(500), REFUSED)}
    made |= {f"cut-{number}": (content, EITHER if number == 5 else REFUSED) for number, content in cuts(whole, 6)}
    for name, (content, fate) in made.items():
        declare(f"hdf5-{name}", "HDF5", a_file("set.h5", content), fate)
    leave_to_campaign("HDF5", but=FEW_HDF5)
