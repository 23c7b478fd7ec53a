"""Detectors in Caffe's format: what is said of them in our language, and what cannot be."""

import pytest
from unit.caffe.caffe_texts import layer
from unit.caffe.ssd_texts import small_ssd

from tenfold.adapters.formats.caffe.network_import import import_network

SSD = small_ssd("keep_top_k: 5 nms_param { top_k: 5 } background_label_id: 0")
ODD_DETECTORS = {
    "no size": (SSD.replace("min_size: 14", ""), "has no `min_size`"),
    "one input": (SSD.replace('bottom: "norm" bottom: "data"', 'bottom: "norm"'), "needs two inputs"),
    "another picture": (SSD.replace("min_size: 14", "min_size: 14 img_size: 99"), "whose `img_h` is 48"),
    "own sizes": (SSD.replace("min_size: 14", "min_size: 14 width: 3"), "which only some programs read"),
    "many ratios": (SSD.replace("min_size: 14", "min_size: 14" + " aspect_ratio: 2" * 65), "66 numbers `aspect_ratio`"),
    "smaller": (SSD.replace("max_size: 40", "max_size: 4"), "`max_size` of `prior_box` is 4, and its `min_size` 24"),
    "zero": (SSD.replace("min_size: 14", "min_size: 0"), "`min_size` of `prior_box` is 0"),
    "another axis": (SSD.replace("axis: 2 }", "axis: 1 }", 1), "along another axis than 2"),
    "read elsewhere": (SSD + layer("r", "ReLU", ["mbox_priors"]), "but only DetectionOutput does"),
    "eta": (SSD.replace("top_k: 5 }", "top_k: 5 eta: 0.9 }"), "`eta` is not 1"),
    "pixels": (SSD.replace("keep_top_k", "normalized_bbox: false keep_top_k"), "`normalized_bbox` is false"),
    "classes": (SSD.replace("num_classes: 4", "num_classes: 5"), "not those of 5 classes for 144 boxes"),
    "sharing": (SSD.replace("share_location: true", "share_location: false"), "not 4 for each of 144 boxes"),
    "background": (SSD.replace("label_id: 0", "label_id: 9"), "`background` of `detection_output` is 9"),
}


@pytest.mark.parametrize("name", ODD_DETECTORS)
def test_what_a_detector_cannot_say_is_named(name: str) -> None:
    text, words = ODD_DETECTORS[name]
    network = import_network(text)
    assert any(words in str(each) for each in network.unsupported), network.unsupported
    assert network.graph.outputs


def test_what_a_detector_leaves_open_has_caffe_s_defaults() -> None:
    network = import_network(small_ssd("save_output_param { output_directory: '/tmp' }"))
    (found,) = (node for node in network.graph.nodes if node.kind == "detection_output")
    about = {name: found.arguments[name] for name in ("keep", "candidates", "overlap", "threshold", "code", "clip")}
    wanted = {"keep": 576, "candidates": 144, "overlap": 0.3, "threshold": 0, "code": "corner", "clip": False}
    assert about == wanted
    assert any("keeps all it finds; here 576 rows at most." in note for note in network.notes)
    assert any("writes files" in note for note in network.notes)


def test_a_detector_that_trains_is_imported_without_its_end_for_testing() -> None:
    text = small_ssd("keep_top_k: 5", ending="include { phase: TEST }")
    text += layer("loss", "MultiBoxLoss", ["mbox_loc", "mbox_conf", "mbox_priors", "label"])
    network = import_network(text)
    assert [each.type for each in network.unsupported] == ["MultiBoxLoss"]
    assert any("`found` (DetectionOutput) is there for testing alone" in note for note in network.notes)
