"""How much memory a process says it has taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tenfold.adapters.devices.own_memory import OwnMemory

SIZE = 64 * 2**20


def test_a_peak_is_remembered_after_it_is_over() -> None:
    gauge = OwnMemory()
    before = gauge.peak_bytes()

    np.ones(SIZE, np.uint8)

    assert before < SIZE // 2
    assert SIZE * 0.9 < gauge.peak_bytes() < SIZE * 1.5


def test_files_that_are_mapped_are_not_counted(tmp_path: Path) -> None:
    path = tmp_path / "pixels"
    path.write_bytes(b"\1" * SIZE)
    gauge = OwnMemory()

    mapped = np.memmap(path, np.uint8, "r")
    total = sum(int(mapped[start : start + 2**20].sum()) for start in range(0, SIZE, 2**20))

    assert total == SIZE
    assert gauge.peak_bytes() < SIZE // 2
