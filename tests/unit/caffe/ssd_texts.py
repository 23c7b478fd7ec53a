"""A small detector in Caffe's text format, with the layers that SSD needs around its boxes."""

from __future__ import annotations

from collections.abc import Sequence

from unit.caffe.caffe_texts import Chain, layer, picture

PERMUTE = "permute_param { order: 0 order: 2 order: 3 order: 1 }"
NORMALIZE = "norm_param { across_spatial: false scale_filler { type: 'constant' value: 20 } channel_shared: false }"
VARIANCES = "variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2"
PRIORS = (
    f"prior_box_param {{ min_size: 14 aspect_ratio: 2 flip: true clip: false {VARIANCES} step: 8 offset: 0.5 }}",
    f"prior_box_param {{ min_size: 24 max_size: 40 aspect_ratio: 2 aspect_ratio: 3 clip: false {VARIANCES} }}",
)
NUM_PRIORS = (3, 6)
CLASSES = 4


def small_ssd(end: str, *, priors: Sequence[str] = PRIORS, is_shared: bool = True, ending: str = "") -> str:
    """Two scales on a picture of 48 x 40; `end` are fields of `detection_output_param`, `ending` of its layer."""
    chain = Chain("SSD", picture(3, 48, 40)).conv("conv1", 8, 3, "stride: 2 pad: 1").conv("conv2", 8, 3, "stride: 4")
    chain.add("norm", "Normalize", NORMALIZE)
    _heads(chain, "norm", NUM_PRIORS[0], priors[0], is_shared=is_shared)
    chain.top = "conv2"
    chain.conv("conv3", 12, 3, "stride: 2 pad: 1")
    _heads(chain, "conv3", NUM_PRIORS[1], priors[1], is_shared=is_shared)
    for name in ("loc", "conf"):
        chain.join(f"mbox_{name}", "Concat", [f"{scale}_{name}_flat" for scale in ("norm", "conv3")])
    joined = [f"{scale}_priors" for scale in ("norm", "conv3")]
    chain.join("mbox_priors", "Concat", joined, "concat_param { axis: 2 }")
    chain.add("rows", "Reshape", f"reshape_param {{ shape {{ dim: 0 dim: -1 dim: {CLASSES} }} }}", bottom="mbox_conf")
    chain.add("scores", "Softmax", "softmax_param { axis: 2 }").add("flat", "Flatten", "flatten_param { axis: 1 }")
    about = f"num_classes: {CLASSES} share_location: {str(is_shared).lower()} {end}"
    bottoms = ["mbox_loc", "flat", "mbox_priors"]
    body = f"{ending} detection_output_param {{ {about} }}"
    return chain.text + layer("found", "DetectionOutput", bottoms, ["found"], body)


def _heads(chain: Chain, source: str, count: int, priors: str, *, is_shared: bool) -> None:
    for name, out in (("loc", 4 * count * (1 if is_shared else CLASSES)), ("conf", CLASSES * count)):
        own = f"convolution_param {{ num_output: {out} kernel_size: 3 pad: 1 }}"
        chain.add(f"{source}_{name}", "Convolution", own, bottom=source)
        chain.add(f"{source}_{name}_perm", "Permute", PERMUTE).add(f"{source}_{name}_flat", "Flatten")
    chain.join(f"{source}_priors", "PriorBox", [source, "data"], priors)
