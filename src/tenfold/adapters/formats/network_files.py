"""Networks that come in as files, each kind read by its own reader."""

from __future__ import annotations

from collections.abc import Callable

from tenfold.adapters.formats.caffe.reading import read_caffe
from tenfold.adapters.formats.own_network import SUFFIX, read_own
from tenfold.core.networks.importing import ForeignFiles, ForeignNetwork, NetworkImport


def read_network(files: ForeignFiles, wanted: NetworkImport, is_late: Callable[[], bool]) -> ForeignNetwork:
    """Fulfils `tenfold.core.networks.importing.NetworkReader`: our own language by the file's ending, else Caffe's."""
    if files.network.name.casefold().endswith(SUFFIX):
        return read_own(files, is_late)  # which leaves nothing open
    return read_caffe(files, wanted, is_late)
