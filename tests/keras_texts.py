"""Small networks that hold every kind of layer which Keras has, each the way that it differs between frameworks."""

from __future__ import annotations

from tenfold.adapters.formats.catalogue import read_catalogue
from tenfold.core.networks.layers.activations import FUNCTIONS

RESNET = """network small_resnet "He et al. 2015, with 3 stages as for small pictures"
param classes = 10 in 2..100000
param width = 16 in 4..64
input image = image(1, 28, 28)
conv1 = conv(width, 3, pad=1, bias=false)
bn1 = batch_norm
relu
stage1 = basic(width)
stage2 = basic(2 * width, stride=2)
stage3 = basic(4 * width, stride=2)
global_avg_pool
fc = dense(classes)
output logits
block basic(width, stride=1) {
  conv1 = conv(width, 3, stride=stride, pad=1, bias=false)
  bn1 = batch_norm
  relu
  conv2 = conv(width, 3, pad=1, bias=false)
  bn2 = batch_norm
  down = projection(width, stride) from input when stride != 1 or channels(input) != width
  add from bn2, down
  relu
}
block projection(out, stride) {
  conv = conv(out, 1, stride=stride, bias=false)
  bn = batch_norm
}
"""
JOINED = """network joined
input image = image(3, 11, 13)
conv1 = conv(8, 3, pad=1, bias=false)
bn1 = batch_norm(momentum=0.3)
relu
conv2 = conv(8, 3, pad=1, groups=2)
sum = add from conv2, bn1, bn1
tanh
left = conv(4, [3, 2], stride=[2, 1], dilation=[1, 2])
right = conv(6, 1, stride=2) from sum
avg_pool(2, stride=1, pad=1) from right
small = adaptive_avg_pool([3, 4])
other = adaptive_avg_pool([3, 4]) from left
concat from small, other
bn2 = batch_norm(affine=false)
pooled = global_avg_pool
fc = dense(5)
output logits
output spread(loss_weight=0.5) from other
"""
TRANSFORMER = """network small_vit
input image = image(3, 8, 8)
patches = conv(12, 4, stride=4)
to_sequence
cls = class_token
position = position_embedding
norm1 = layer_norm
attn = attention(3)
sum1 = add from attn, position
norm2 = layer_norm
fc1 = dense(24)
gelu
fc2 = dense(12)
add from fc2, sum1
select(0)
head = dense(5)
output logits
"""
CROSSED = """network crossed
input a = sequence(4, 5)
input b = sequence(6, 7)
attn = attention(2, bias=false) from a, b
output y
"""


def network(body: str, shape: str = "image(3, 9, 10)") -> str:
    return f"network n\ninput x = {shape}\n{body}\noutput y\n"


def pair(body: str, shape: str = "image(3, 5, 6)") -> str:
    return f"network n\ninput a = {shape}\ninput b = {shape}\n{body}\noutput y\n"


_FLAT = "flatten\nfc = dense(4)"
TEXTS: dict[str, str] = {
    "lenet": next(entry.text for entry in read_catalogue() if entry.name == "lenet"),
    "small resnet": RESNET.replace("28, 28", "10, 12"),
    "joined": JOINED,
    "transformer": TRANSFORMER,
    "crossed attention": CROSSED,
    "conv same": network("c = conv(4, [2, 5], stride=[3, 2], pad=same)"),
    "conv half": network("c = conv(4, 5, dilation=2, pad=half)"),
    "conv with gaps and steps": network("c = conv(4, 3, dilation=2, stride=2, pad=2)"),
    "conv volume": network("c = conv(4, 3, pad=1)", "volume(2, 5, 6, 4)"),
    "conv sequence": network("c = conv(4, 3, stride=2)", "sequence(3, 11)"),
    "depthwise": network("c = conv(6, 3, groups=3, pad=1, stride=2)"),
    "depthwise uneven": network("c = conv(6, 3, groups=3, stride=[1, 2])"),
    "two groups": network("c = conv(6, 3, groups=2)", "image(4, 9, 9)"),
    "dense on a sequence": network("c = dense(4)", "sequence(3, 7)"),
    "flatten": network(_FLAT),
    "max_pool ceil": network("max_pool(3, stride=2, ceil=true)"),
    "max_pool wide pad": network("max_pool(3, stride=2, pad=2)"),
    "max_pool same": network("max_pool(2, stride=2, pad=same)"),
    "max_pool volume": network("max_pool(2)", "volume(2, 5, 6, 4)"),
    "avg_pool": network("avg_pool(2)"),
    "avg_pool ceil pad": network("avg_pool(3, stride=2, pad=1, ceil=true)"),
    "avg_pool ceil uncounted": network("avg_pool(3, stride=2, pad=1, ceil=true, count_pad=false)"),
    "avg_pool same uncounted": network("avg_pool([2, 4], stride=2, pad=same, count_pad=false)"),
    "avg_pool sequence": network("avg_pool(2)", "sequence(3, 11)"),
    "adaptive larger": network("adaptive_avg_pool([12, 4])"),
    "global kept": network("global_avg_pool(keep=true)"),
    "global max": network("global_max_pool"),
    "lrn": network("lrn(size=4, alpha=0.3, k=2)", "image(7, 4, 4)"),
    "lrn within": network("lrn(size=3, alpha=0.3, region=within)"),
    "batch_norm on a vector": network("b = batch_norm", "vector(5)"),
    "frozen batch_norm": network("b = batch_norm(frozen=true)"),
    "group_norm": network("g = group_norm(2)", "image(4, 5, 6)"),
    "instance_norm": network("i = instance_norm(affine=true)"),
    "layer_norm": network("l = layer_norm"),
    "scale": network("s = scale(0.5, bias=true)"),
    "normalize": network("normalize"),
    "normalize l1": network("normalize(l1)"),
    "shared": network("a = conv(3, 3, pad=1)\nb = share(a)\nadd from a, b"),
    "reshape": network("reshape([6, 5, 9])\nc = conv(2, 3)"),
    "permute": network("permute([2, 0, 1])\nc = conv(2, 3)"),
    "to_image": network("to_sequence\nto_image(10, 9)\nc = conv(2, 3)"),
    "upsample nearest": network("upsample([2, 3])"),
    "upsample linear": network("upsample(2, mode=linear)"),
    "pad zeros": network("pad([1, 2])"),
    "pad reflect": network("pad([1, 2], mode=reflect)"),
    "pad edge": network("pad([1, 2], mode=edge)"),
    "slice": network("slice(1, 3)"),
    "select": network("select(-1)", "sequence(3, 7)"),
    "crop": "network n\ninput a = image(3, 9, 9)\ninput b = image(3, 5, 6)\ncrop([1, 2]) from a, b\noutput y\n",
    "prelu": network("p = prelu"),
    "leaky": network("leaky_relu(0.2)"),
    "embedding": network("e = embedding(4)", "tokens(7, 11)"),
    "one_hot": network("one_hot", "tokens(7, 11)"),
    **{kind: pair(f"{kind} from a, b") for kind in ("add", "subtract", "multiply", "maximum", "average")},
    **{f"distance {norm}": pair(f"distance({norm}) from a, b", "vector(6)") for norm in ("l2", "l1", "cosine")},
    **{name: network(name) for name in FUNCTIONS},
}
