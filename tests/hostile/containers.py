"""Hostile and odd sources that hold many pictures or name them: archives, lists, tables, arrays, databases, folders."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import socket
import stat
import struct
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tenfold.testing.picture_files import encode, make_photo

from .cases import EITHER, GOOD, GREY, LABELS, RANDOM, READY, REFUSED, a_file, a_folder, cuts, declare, sent
from .columnar import declare_hdf5, declare_parquet
from .importing import Importer
from .ways import Source, datum, put, tarred, upload, varint, write_lmdb, zipped

ROWS = "".join(f"{path},{path[0]}\n" for path in GOOD)
LINES = "".join(f"{path} {path[0]}\n" for path in GOOD)


def declare_lists() -> None:
    """Text lists, on the server and sent."""
    texts: dict[str, tuple[str | bytes, str, int | None, dict[str, int]]] = {
        "missing": (LINES + "a/gone.png a\nb/gone too.png b\n", READY, 12, {"file__vanished": 2}),
        "all-missing": ("x/1.png a\nx/2.png b\n", REFUSED, None, {}),
        "without-labels": (LINES + "a/0.png\nb/1.png\n", READY, 12, {"list__no_label": 2}),
        "outside": (LINES + "/etc/passwd a\n/etc/hosts b\n", READY, 12, {"file__link_outside": 2}),
        "devices": (LINES + "/dev/zero a\n/proc/self/mem b\n", READY, 12, {"file__link_outside": 2}),
        "two-labels": (LINES + "a/0.png b\n", READY, 11, {"file__two_classes": 1}),
        "twice": (LINES + LINES, READY, 12, {}),
        "nul": (LINES + "a/\0.png a\n", READY, 12, {"file__name": 1}),
        "not-utf-8": (LINES.encode() + b"a/\xff.png a\n", READY, 12, {"file__name": 1}),
        "bad-label": (LINES.encode() + b"a/0x.png \xff\n", READY, 12, {"list__label": 1}),
        "addresses": (LINES + "http://169.254.169.254/x.png a\n", READY, 12, {"list__address": 1}),
        "file-address": (LINES + "file:///etc/passwd a\n", READY, 12, {"list__address": 1}),
        "long-label": (LINES + f"a/0.png {'x' * 600}\n", READY, 12, {"list__label": 1}),
        "bidirectional": (LINES + "a/\u202egnp.exe a\n", READY, 12, {"file__vanished": 1}),
        "long-name": (LINES + f"a/{'n' * 5000}.png a\n", READY, 12, {"file__unreadable": 1}),
        "stroke-ends": (LINES.replace("\n", "\r\n"), READY, 12, {}),
        "old-mac": (LINES.replace("\n", "\r"), READY, 12, {}),
        "utf-16": (LINES.encode("utf-16"), READY, 12, {}),
        "mark": (LINES.encode("utf-8-sig"), READY, 12, {}),
        "back-strokes": (LINES.replace("/", "\\"), READY, 12, {}),
        "long-line": (LINES + "a" * 2_000_000 + " a\n", REFUSED, None, {}),
        "no-line-ends": ("a" * 3_000_000, REFUSED, None, {}),
        "binary": (RANDOM.bytes(5000), REFUSED, None, {}),
        "empty": (b"", REFUSED, None, {}),
        "blanks": (" \n\t\n" * 1000, REFUSED, None, {}),
        "one-class": (LINES.replace(" b\n", " a\n"), REFUSED, None, {}),
        "case-collision": (LINES.replace(" b\n", " A\n"), READY, 12, {}),
        "form-collision": (LINES.replace(" b\n", " é\n").replace(" a\n", " e\u0301\n"), REFUSED, None, {}),
        "numbers-as-labels": (LINES.replace(" b\n", " -1\n"), READY, 12, {}),
    }
    for name, (text, fate, kept, rejected) in texts.items():
        content = text.encode() if isinstance(text, str) else text
        declare(f"list-{name}", "text list", a_file("all.txt", content, beside=GOOD), fate, kept, **rejected)
    for name in ("outside", "missing", "nul", "binary"):
        text, fate, kept, rejected = texts[name]
        content = text.encode() if isinstance(text, str) else text

        def make(importer: Importer, root: Path, content: bytes = content) -> Source:
            put(root, GOOD)
            return {**upload(importer, {"all.txt": content}), "prefix": str(root)}

        declare(f"sent-list-{name}", "sent list", make, fate, kept, **rejected)


def declare_tables() -> None:
    """CSV, JSON lines and Parquet."""
    head = "image,label\n"
    more = "image,label,weight,group,split\n" + "".join(f"{p},{p[0]},1,g{n},\n" for n, p in enumerate(GOOD))
    texts: dict[str, tuple[str, str, int | None, dict[str, int]]] = {
        "quotes": (head + ROWS.replace("a/", '"a/').replace(".png,a", '.png",a'), READY, 12, {}),
        "open-quote": (head + ROWS + '"a/x.png,a\n' + ROWS, EITHER, None, {}),
        "nul": (head + ROWS + "a/\0.png,a\n", EITHER, None, {}),
        "ragged": (head + ROWS + "a/x.png\na/y.png,a,b,c\n\n", READY, 12, {"list__no_label": 1, "table__row": 1}),
        "huge-field": (head + ROWS + "a/" + "x" * 300_000 + ".png,a\n", EITHER, None, {}),
        "huge-quoted": (head + ROWS + '"' + f"{'x' * 40}\n" * 4000 + '",a\n', EITHER, None, {}),
        "many-columns": (",".join(f"c{n}" for n in range(20_000)) + "\n" + head + ROWS, REFUSED, None, {}),
        "same-column": ("image,image,label\n" + ROWS.replace(",", ",x,"), READY, 12, {}),
        "only-head": (head, REFUSED, None, {}),
        "only-commas": (",\n" * 1000, REFUSED, None, {}),
        "formulas": (head + ROWS + "=cmd|' /C calc'!A0,a\n", READY, 12, {"file__vanished": 1}),
        "outside": (head + ROWS + "/etc/passwd,a\n/etc/hosts,b\n", READY, 12, {"file__link_outside": 2}),
        "missing": (head + ROWS + "a/gone.png,a\n", READY, 12, {"file__vanished": 1}),
        "addresses": (head + ROWS + "http://127.0.0.1:22/x.png,a\n", READY, 12, {"list__address": 1}),
        "control-label": (head + ROWS + 'a/0.png,"x\x07y"\n', READY, 12, {"list__label": 1}),
        "line-in-label": (head + ROWS + 'a/0.png,"x\ny"\n', READY, 12, {"list__label": 1}),
        "weights": (more + "a/0.png,a,nan,g0,\na/2.png,a,-3,g0,\na/4.png,a,inf,g0,\n", EITHER, None, {}),
        "torn-group": (more + "a/0x.png,a,1,g0,train\na/0y.png,a,1,g0,val\n", EITHER, None, {}),
        "form-collision": (head + ROWS.replace(",b", ",é").replace(",a", ",e\u0301"), REFUSED, None, {}),
        "case-collision": (head + ROWS.replace(",b", ",A"), READY, 12, {}),
        "semicolons": ((head + ROWS).replace(",", ";"), READY, 12, {}),
        "unknown-split": ("image,label,split\n" + ROWS.replace("\n", ",nowhere\n"), EITHER, None, {}),
    }
    for name, (text, fate, kept, rejected) in texts.items():
        declare(f"csv-{name}", "CSV", a_file("table.csv", text.encode(), beside=GOOD), fate, kept, **rejected)
    json_rows = "".join(json.dumps({"file_name": path, "label": path[0]}) + "\n" for path in GOOD)
    odd_json: dict[str, tuple[str, str, int | None, dict[str, int]]] = {
        "nested": (json_rows + "[" * 100_000 + "\n", READY, 12, {"table__row": 1}),
        "numbers": (json_rows + '{"file_name": 1e999, "label": NaN}\n', EITHER, None, {}),
        "digits": (json_rows + '{"file_name": "a/0.png", "label": ' + "9" * 5000 + "}\n", READY, 12, {"table__row": 1}),
        "digits-few": (json_rows + '{"file_name": "a/0x.png", "label": ' + "9" * 4000 + "}\n", EITHER, None, {}),
        "objects": (json_rows + '{"file_name": {"path": "/etc/passwd"}, "label": {"x": 1}}\n', EITHER, None, {}),
        "surrogates": (json_rows + '{"file_name": "a/\\ud800.png", "label": "a"}\n', READY, 12, {"file__name": 1}),
        "cut": (json_rows + '{"file_name": "a/', READY, 12, {"table__row": 1}),
        "none": ("[1, 2]\n" * 10, REFUSED, None, {}),
    }
    for name, (text, fate, kept, rejected) in odd_json.items():
        declare(
            f"jsonl-{name}", "JSON lines", a_file("table.jsonl", text.encode(), beside=GOOD), fate, kept, **rejected
        )
    declare_parquet()


def idx(array: np.ndarray) -> bytes:
    return (
        bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.astype(np.uint8).tobytes()
    )


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def npy_header(text: str, version: bytes = b"\1\0") -> bytes:
    body = text.encode()
    return b"\x93NUMPY" + version + struct.pack("<H" if version == b"\1\0" else "<I", len(body)) + body


class Evil:
    """What runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch /tmp/tenfold-was-here",)


def declare_arrays() -> None:
    """IDX, NumPy and HDF5. That cut and changed files are named is tested at the sources themselves."""
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    images, labels = idx(GREY), idx(LABELS)
    pairs: dict[str, tuple[bytes, bytes, str]] = {
        "whole": (images, labels, READY),
        "fewer-labels": (images, idx(LABELS[:5]), REFUSED),
        "no-pictures": (idx(GREY[:0]), idx(LABELS[:0]), REFUSED),
        "huge": (bytes([0, 0, 8, 3]) + b"\xff" * 12 + images[16:], labels, REFUSED),
        "swapped": (labels, images, EITHER),
        "other-magic": (b"\1" + images[1:], labels, REFUSED),
        "doubles": (bytes([0, 0, 0x0E, 3]) + images[4:], labels, REFUSED),
        "no-sides": (bytes([0, 0, 8, 3]) + struct.pack(">III", 12, 0, 6), labels, REFUSED),
        "trailing": (images + bytes(5000), labels, READY),
    }
    for name, (one, other, fate) in pairs.items():
        declare(f"idx-{name}", "IDX", a_folder(dict(zip(names, (one, other), strict=True))), fate)
        packed = {f"{each}.gz": gzip.compress(content) for each, content in zip(names, (one, other), strict=True)}
        declare(f"idx-gz-{name}", "IDX", a_folder(packed), fate)
    head = gzip.compress(bytes([0, 0, 8, 3]) + struct.pack(">III", 2**31, 28, 28)) + gzip.compress(bytes(1 << 20))
    declare("idx-gz-bomb", "IDX", a_folder({f"{names[0]}.gz": head, names[1]: labels}), REFUSED)
    wrong = npy_header("__import__('os').system('touch /tmp/tenfold-was-here')")
    arrays: dict[str, tuple[bytes, str]] = {
        "whole": (npz(x=GREY, y=LABELS), READY),
        "pickles": (npz(x=np.array([Evil()] * 12, object), y=LABELS), REFUSED),
        "pickled-labels": (npz(x=GREY, y=np.array([Evil()] * 12, object)), REFUSED),
        "records": (npz(x=np.zeros(12, [("a", "u1"), ("b", "f4")]), y=LABELS), REFUSED),
        "complex": (npz(x=GREY.astype(np.complex64), y=LABELS), REFUSED),
        "infinite": (npz(x=np.full((12, 4, 4), np.inf), y=LABELS), REFUSED),
        "mostly-nan": (npz(x=np.where(np.arange(12)[:, None, None] < 8, np.nan, GREY[:, :4, :4]), y=LABELS), EITHER),
        "no-axis": (npz(x=np.uint8(3), y=LABELS), REFUSED),
        "many-axes": (npz(x=np.zeros((12, 1, 1, 1, 1, 1), np.uint8), y=LABELS), REFUSED),
        "wide": (npz(x=np.zeros((12, 1, 100_000), np.uint8), y=LABELS), EITHER),
        "names": (zipped({"../../evil.npy": npy_header("{}"), "/etc/x.npy": b""}), REFUSED),
        "no-zip": (b"PK\3\4" + RANDOM.bytes(400), REFUSED),
        "big-endian": (npz(x=GREY.astype(">u2"), y=LABELS.astype(">i8")), READY),
    }
    for name, (content, fate) in arrays.items():
        declare(f"npz-{name}", "npz", a_file("set.npz", content), fate)
    shape = "{'descr': '|u1', 'fortran_order': False, 'shape': %s}"
    heads = {
        "code": wrong,
        "huge": npy_header(shape % "(1099511627776, 1099511627776)"),
        "negative": npy_header(shape % "(-5, 3)"),
        "nested": npy_header("(" * 5000),
        "long": npy_header(" " * 5_000_000, b"\2\0"),
        "pickle": pickle.dumps(Evil()),
        "objects": npy_header("{'descr': '|O', 'fortran_order': False, 'shape': (12,)}") + pickle.dumps(Evil()),
    }
    for name, content in heads.items():
        declare(f"npy-{name}", "npy", a_folder({"x.npy": content, "y.npy": wrong}), REFUSED)
    declare_hdf5()


def declare_databases() -> None:
    """LMDB and DIGITS jobs."""

    def database(change: Callable[[bytearray], None]) -> Callable[[Importer, Path], Source]:
        def make(_importer: Importer, root: Path) -> Source:
            entries = {b"%05d" % n: datum(content, n % 2) for n, content in enumerate(GOOD.values())}
            content = bytearray((write_lmdb(root / "whole", entries) / "data.mdb").read_bytes())
            change(content)
            put(root / "db", {"data.mdb": bytes(content)})
            return {"folder": str(root / "db")}

        return make

    def ones(content: bytearray) -> None:
        content[8192:] = b"\xff" * (len(content) - 8192)

    def loop(content: bytearray) -> None:
        for page in range(2, len(content) // 4096):
            flags = struct.unpack_from("<H", content, page * 4096 + 10)[0]
            if flags & 2:  # a leaf becomes a branch whose children are itself
                struct.pack_into("<H", content, page * 4096 + 10, 1)

    declare("lmdb-whole", "LMDB", database(lambda content: None), READY, 12)
    declare("lmdb-ones", "LMDB", database(ones), REFUSED)
    declare("lmdb-loop", "LMDB", database(loop), REFUSED)
    declare("lmdb-zeros", "LMDB", a_folder({"data.mdb": bytes(65536)}), REFUSED)
    declare("lmdb-text", "LMDB", a_folder({"data.mdb": b"no database"}), REFUSED)
    for number in range(8):

        def change(content: bytearray, number: int = number) -> None:
            place = 4096 * (number % 3) + int(np.random.default_rng(number).integers(0, 4000))
            content[place : place + 4] = b"\xff\xff\xff\x7f"

        declare(f"lmdb-changed-{number}", "LMDB", database(change), EITHER)

    def entries(_importer: Importer, root: Path) -> Source:
        good = {b"%05d" % n: datum(content, n % 2) for n, content in enumerate(GOOD.values())}
        bad = {
            b"x1": b"", b"x2": RANDOM.bytes(300), b"x3": datum(b"no picture", 1), b"x4": b"\x22\xff\xff\xff\x7f",
            b"x5": b"\x08\x03\x10" + varint(2**31) + b"\x18" + varint(2**31) + b"\x22\x01a\x28\x01",
            b"\xff\n/..": datum(b"", 0),
        }  # fmt: skip
        return {"folder": str(write_lmdb(root, good | bad))}

    declare("lmdb-bad-entries", "LMDB", entries, READY)


def declare_jobs() -> None:
    """Folders of DIGITS jobs."""

    def job(change: Callable[[Path], object]) -> Callable[[Importer, Path], Source]:
        def make(_importer: Importer, root: Path) -> Source:
            put(root, {f"pictures/{path}": content for path, content in GOOD.items()})
            lines = "".join(f"{root}/pictures/{path} {'ab'.index(path[0])}\n" for path in GOOD)
            put(root, {"train.txt": lines.encode(), "labels.txt": b"a\nb\n", "status.pickle": pickle.dumps(Evil())})
            change(root)
            return {"folder": str(root)}

        return make

    def append(name: str, content: bytes) -> Callable[[Path], object]:
        return lambda root: (root / name).write_bytes((root / name).read_bytes() + content)

    declare("digits-whole", "DIGITS job", job(lambda root: None), READY, 12)
    declare("digits-missing", "DIGITS job", job(append("train.txt", b"/gone/1.jpg 0\n")), READY)
    declare("digits-label", "DIGITS job", job(append("train.txt", b"/gone/1.jpg 7\n")), READY, 12, list__label=1)
    declare(
        "digits-outside", "DIGITS job", job(append("train.txt", b"/etc/passwd 0\n")), READY, 12, file__link_outside=1
    )
    declare("digits-labels-control", "DIGITS job", job(append("labels.txt", b"x\x07\n")), REFUSED)
    declare("digits-labels-many", "DIGITS job", job(append("labels.txt", b"x\n" * 200_000)), REFUSED)
    declare("digits-pickle-in-place-of-list", "DIGITS job", job(append("train.txt", pickle.dumps(Evil()))), EITHER)


def tar_of(*members: tuple[str, dict[str, object], bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.GNU_FORMAT) as archive:
        for path, content in GOOD.items():
            info = tarfile.TarInfo(path)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        for name, about, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in about.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def sparse_tar(real: int) -> bytes:
    """A tar whose one member is a hole of `real` bytes (GNU tar, sparse files of the old format)."""
    head = bytearray(512)
    head[:8] = b"a/1.png\0"
    head[100:108], head[124:136], head[156] = b"0000644\0", b"%011o\0" % 0, ord("S")
    head[257:265] = b"ustar  \0"
    head[386:398], head[398:410] = (
        b"%011o\0" % real if real < 8**11 else b"\x80" + real.to_bytes(11, "big"),
        b"%011o\0" % 0,
    )
    head[483:495] = b"%011o\0" % real if real < 8**11 else b"\x80" + real.to_bytes(11, "big")
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head) + bytes(1024)


def overlapping_zip(count: int) -> bytes:
    """A zip whose `count` members are all the same bytes, 10 MB of zeros when unpacked (D. Fifield, 2019)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(10 << 20)) + packer.flush()
    about = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, zlib.crc32(bytes(10 << 20)), len(packed), 10 << 20, 7, 0)
    local = b"PK\3\4" + about + b"a/x.png" + packed
    central = b"".join(
        b"PK\1\2\x14\0" + about[:-4] + struct.pack("<HHHHHII", 12, 0, 0, 0, 0, 0, 0) + b"a/%06d.png" % n
        for n in range(count)
    )
    return local + central + b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, count, count, len(central), len(local), 0)


def declare_archives() -> None:
    """Archives that are sent; names, links and bombs one by one are tested at the extractor itself."""
    whole_zip, whole_tar = zipped(GOOD), tarred(GOOD)
    for number, content in cuts(whole_zip):
        declare(f"zip-cut-{number}", "archive", sent("s.zip", content), REFUSED)
    for number, content in cuts(whole_tar):
        declare(f"tar-cut-{number}", "archive", sent("s.tar.gz", content), EITHER if number == 9 else REFUSED)
    link, hard = {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}, {"type": tarfile.LNKTYPE, "linkname": "../../x"}
    archives: dict[str, tuple[str, bytes, str]] = {
        "zip-in-zip": ("s.zip", zipped({**GOOD, "a/inner.zip": zipped({"../evil.png": b"x"})}), READY),
        "zip-called-tar": ("s.tar", whole_zip, READY),
        "tar-called-zip": ("s.zip", whole_tar, READY),
        "two-zips-in-one": ("s.zip", whole_zip + whole_zip, EITHER),
        "no-members": ("s.zip", zipped({}), REFUSED),
        "only-junk": ("s.zip", zipped({"__MACOSX/a": b"x", ".DS_Store": b"x"}), REFUSED),
        "case-collision": ("s.zip", zipped({**GOOD, "A/x.png": GOOD["a/0.png"]}), READY),
        "bidirectional": ("s.zip", zipped({**GOOD, "a/\u202egnp.exe.png": GOOD["a/0.png"]}), READY),
        "line-in-name": ("s.tar.gz", tarred({**GOOD, "a/x\ny.png": b"x"}), REFUSED),
        "not-utf-8": ("s.tar.gz", tarred({**GOOD, "a/\udcff.png": b"x"}), REFUSED),
        "link": ("s.tar.gz", tar_of(("a/l.png", link, b"")), REFUSED),
        "hard-link": ("s.tar.gz", tar_of(("a/l.png", hard, b"")), REFUSED),
        "sparse": ("s.tar", sparse_tar(1 << 40), REFUSED),
        "sparse-small": ("s.tar", sparse_tar(1000), REFUSED),
        "bomb-in-bomb": ("s.tar.gz", gzip.compress(gzip.compress(bytes(20 << 20))), REFUSED),
        "gzip-of-one-picture": ("s.tar.gz", gzip.compress(GOOD["a/0.png"]), REFUSED),
        "up": ("s.zip", zipped({**GOOD, "../../evil.png": b"x"}), REFUSED),
        "root": ("s.tar.gz", tarred({**GOOD, "/tmp/tenfold-was-here": b"x"}), REFUSED),
        "folder-is-file": ("s.zip", zipped({**GOOD, "a/0.png/x.png": b"x"}), REFUSED),
        "deep": ("s.zip", zipped({**GOOD, "a/" * 40 + "x.png": b"x"}), REFUSED),
        "long-name": ("s.tar.gz", tarred({**GOOD, f"a/{'x' * 300}.png": b"x"}), REFUSED),
        "pictures-only-at-top": ("s.zip", zipped({"1.png": GOOD["a/0.png"], "2.png": GOOD["b/1.png"]}), REFUSED),
    }
    for name, (file, content, fate) in archives.items():
        declare(f"archive-{name}", "archive", sent(file, content), fate)
    declare(
        "archive-overlapping", "archive", lambda importer, _: upload(importer, {"s.zip": overlapping_zip(500)}), REFUSED
    )
    names = ["set/a/con.png", "set/a/x\ny.png", "set/a/\u202ex.png", "../up.png", "set/A/0.PNG", "set/a/\\x.png"]
    names += ["/root.png", "set/a/" + "x" * 300 + ".png", "set/" * 40 + "x.png", "set/a/\ud800.png", "C:/x.png"]

    def many(importer: Importer, _root: Path) -> Source:
        return upload(
            importer, {**{f"set/{path}": content for path, content in GOOD.items()}, **dict.fromkeys(names, b"x")}
        )

    declare("files-with-bad-names", "many files", many, READY, 12, upload__name=len(names))
    camera = {
        f"{label}/camera-{n:04d}.jpg": encode(make_photo(8, 8, seed=n), "JPEG") for n in range(4) for label in "ab"
    }

    def snapped(importer: Importer, _root: Path) -> Source:
        return upload(importer, {**camera, "a/camera-9.jpg": b"", "b/camera-9.jpg": camera["a/camera-0000.jpg"][:200]})

    declare("camera-that-was-torn-away", "camera", snapped, READY, 8, image__empty=1, image__unreadable=1)


def odd(add: Callable[[Path], object]) -> Callable[[Importer, Path], Source]:
    def make(_importer: Importer, root: Path) -> Source:
        put(root, GOOD)
        add(root)
        return {"folder": str(root)}

    return make


def add_names(root: Path) -> None:
    picture = GOOD["a/0.png"]
    for name in (
        "line\nbreak.png", "\u202egnp.exe.png", "tab\t.png", "quote\".png", "'.png", "%2e%2e%2f.png", "$(x).png",
        "<script>.png", "-rf.png", "con.png", "back\\stroke.png", "trailing .png", "é.png", "e\u0301.png",
        "n" * 250 + ".png", "\x7f.png", "\u2028.png", "🐱.png",
    ):  # fmt: skip
        (root / "a" / name).write_bytes(picture)
    for number in range(3):
        with open(os.fsencode(root) + b"/a/\xff\xfe%d.png" % number, "wb") as file:  # noqa: PTH123 - bytes
            file.write(picture)


def add_classes(root: Path) -> None:
    for name in ("line\nbreak", "tab\t", "\x1b[31m"):
        put(root / name, {"1.png": GOOD["a/0.png"]})
    os.mkdir(os.fsencode(root) + b"/\xff")  # noqa: PTH102 - bytes
    with open(os.fsencode(root) + b"/\xff/1.png", "wb") as file:  # noqa: PTH123
        file.write(GOOD["a/0.png"])


def add_links(root: Path) -> None:
    secret = put(root.parent.parent / "secret", {"x.png": GOOD["a/0.png"], "folder/y.png": GOOD["b/1.png"]})
    for name, target in {
        "out.png": secret / "x.png", "passwd.png": "/etc/passwd", "zero.png": "/dev/zero", "mem.png": "/proc/self/mem",
        "loop.png": "loop.png", "gone.png": "nowhere.png",
    }.items():  # fmt: skip
        (root / "a" / name).symlink_to(target)
    (root / "b" / "folder").symlink_to(secret / "folder")
    (root / "b" / "self").symlink_to(root)
    (root / "proc").symlink_to("/proc/self/root")


def add_things(root: Path) -> None:
    os.mkfifo(root / "a" / "pipe.png")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(root / "a" / "socket.png"))
    (root / "a" / "folder.png").mkdir()
    os.mknod(root / "b" / "node.png", stat.S_IFREG | 0o600)


def holes(count: int, size: int) -> Callable[[Path], object]:
    def add(root: Path) -> None:
        for number in range(count):
            with (root / "a" / f"hole-{number}.png").open("wb") as file:
                file.truncate(size)

    return add


def add_deep(root: Path) -> None:
    put(root / "a" / "/".join(["d"] * 300), {"x.png": GOOD["a/0.png"]})


def add_twins(root: Path) -> None:
    for name in ("Cat", "cat", "CAT", "caf\u00e9", "cafe\u0301"):
        put(root / name, {f"{n}.png": encode(make_photo(8, 8, seed=n)) for n in range(2)})


def declare_folders() -> None:
    """Folders of the server with names, links and things that are no files."""
    declare("folder-names", "server folder", odd(add_names), READY, 30, file__name=3)
    declare("folder-classes", "server folder", odd(add_classes), READY, 12, folder__name=4)
    declare("folder-links", "server folder", odd(add_links), READY, 12, file__link_outside=4, folder__link_outside=2)
    declare("folder-things", "server folder", odd(add_things), READY, 12, image__empty=1)
    declare("folder-deep", "server folder", odd(add_deep), READY, 13)
    declare("folder-twins", "server folder", odd(add_twins), READY, 22)
    declare("folder-too-large", "server folder", odd(holes(3, 600 << 20)), READY, 12, file__too_large=3)
    declare("folder-holes", "server folder", odd(holes(4, 160 << 20)), READY, 12, image__format=4)
    declare("folder-empty", "server folder", a_folder({"a/.keep": b"", "b/.keep": b""}), REFUSED)
    declare("folder-one-class", "server folder", a_folder({"a/0.png": GOOD["a/0.png"]}), REFUSED)
    declare("folder-only-bad", "server folder", a_folder({"a/0.png": b"x", "b/0.png": b"y"}), REFUSED)
    declare("folder-called-train", "server folder", a_folder({f"train/{p}": c for p, c in GOOD.items()}), READY, 12)
    split = {f"{place}/{p}": c for place in ("train", "Val", "TEST") for p, c in GOOD.items()}
    declare("folder-split", "val and test", a_folder(split), READY, 36)


declare_lists()
declare_tables()
declare_arrays()
declare_databases()
declare_jobs()
declare_archives()
declare_folders()
