"""Writes Caffe's text format from a few words a layer, so that no test carries a text of somebody else."""

from __future__ import annotations

from collections.abc import Sequence


def layer(name: str, type: str, bottoms: Sequence[str], tops: Sequence[str] = (), body: str = "") -> str:
    """A layer in the present syntax; without `tops` it gives a blob of its own name."""
    ends = [f'bottom: "{item}"' for item in bottoms] + [f'top: "{item}"' for item in tops or (name,)]
    return f'layer {{ name: "{name}" type: "{type}" {" ".join(ends)} {body} }}\n'


def picture(channels: int, height: int, width: int | None = None, name: str = "data") -> str:
    dims = " ".join(f"dim: {size}" for size in (1, channels, height, width or height))
    return layer(name, "Input", [], [name], f"input_param {{ shape {{ {dims} }} }}")


class Chain:
    """A network that grows at its end; `top` is the blob that the next layer reads."""

    def __init__(self, name: str, start: str, top: str = "data") -> None:
        self.text = f'name: "{name}"\n{start}'
        self.top = top

    def add(self, name: str, type: str, body: str = "", *, bottom: str = "", in_place: bool = False) -> Chain:
        source = bottom or self.top
        top = source if in_place else name
        self.text += layer(name, type, [source], [top], body)
        self.top = top
        return self

    def conv(self, name: str, out: int, kernel: int, more: str = "", *, bottom: str = "", body: str = "") -> Chain:
        own = f"convolution_param {{ num_output: {out} kernel_size: {kernel} {more} }} {body}"
        return self.add(name, "Convolution", own, bottom=bottom).relu(f"relu_{name}")

    def relu(self, name: str) -> Chain:
        return self.add(name, "ReLU", in_place=True)

    def pool(self, name: str, kernel: int, stride: int, more: str = "", *, bottom: str = "") -> Chain:
        own = f"pooling_param {{ pool: MAX kernel_size: {kernel} stride: {stride} {more} }}"
        return self.add(name, "Pooling", own, bottom=bottom)

    def dense(self, name: str, out: int | None, more: str = "") -> Chain:
        count = "" if out is None else f"num_output: {out}"
        return self.add(name, "InnerProduct", f"inner_product_param {{ {count} {more} }}")

    def add_loss(self, name: str, weight: float) -> Chain:
        self.text += layer(name, "SoftmaxWithLoss", [self.top, "label"], body=f"loss_weight: {weight}")
        return self

    def join(self, name: str, type: str, bottoms: Sequence[str], body: str = "") -> Chain:
        self.text += layer(name, type, bottoms, [name], body)
        self.top = name
        return self


def lenet(start: str, out: int | None = 10) -> Chain:
    chain = Chain("LeNet", start).add("conv1", "Convolution", "convolution_param { num_output: 20 kernel_size: 5 }")
    chain.pool("pool1", 2, 2).add("conv2", "Convolution", "convolution_param { num_output: 50 kernel_size: 5 }")
    return chain.pool("pool2", 2, 2).dense("ip1", 500).relu("relu1").dense("ip2", out)


def alexnet_trunk(name: str, start: str) -> Chain:
    chain = Chain(name, start).conv("conv1", 96, 11, "stride: 4")
    chain.add("norm1", "LRN", "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }").pool("pool1", 3, 2)
    chain.conv("conv2", 256, 5, "pad: 2 group: 2")
    chain.add("norm2", "LRN", "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }").pool("pool2", 3, 2)
    chain.conv("conv3", 384, 3, "pad: 1").conv("conv4", 384, 3, "pad: 1 group: 2")
    return chain.conv("conv5", 256, 3, "pad: 1 group: 2").pool("pool5", 3, 2)


def alexnet(start: str) -> Chain:
    chain = alexnet_trunk("AlexNet", start)
    for name in ("fc6", "fc7"):
        chain.dense(name, 4096).relu(f"relu_{name}").add(f"drop_{name}", "Dropout", in_place=True)
    return chain.dense("fc8", 1000)


def fcn_alexnet(size: int) -> Chain:
    start = picture(3, size)
    chain = alexnet_trunk("FCN-AlexNet", start)
    chain.text = chain.text.replace("stride: 4", "stride: 4 pad: 100", 1)
    chain.conv("fc6", 4096, 6).add("drop6", "Dropout", in_place=True)
    chain.conv("fc7", 4096, 1).add("drop7", "Dropout", in_place=True)
    chain.add("score_fr", "Convolution", "convolution_param { num_output: 21 kernel_size: 1 }")
    own = 'num_output: 21 group: 21 bias_term: false kernel_size: 63 stride: 32 weight_filler { type: "bilinear" }'
    chain.add("upscore", "Deconvolution", f"param {{ lr_mult: 0 }} convolution_param {{ {own} }}")
    return chain.join("score", "Crop", ["upscore", "data"], "crop_param { axis: 2 offset: 18 }")


def inception(chain: Chain, name: str, widths: Sequence[int]) -> Chain:
    """The four branches of Szegedy's module: 1 x 1; 3 x 3 and 5 x 5 after a reduction; a pooled one."""
    source, (one, three_in, three, five_in, five, pooled) = chain.top, widths
    chain.conv(f"{name}/1x1", one, 1, bottom=source)
    chain.conv(f"{name}/3x3_reduce", three_in, 1, bottom=source).conv(f"{name}/3x3", three, 3, "pad: 1")
    chain.conv(f"{name}/5x5_reduce", five_in, 1, bottom=source).conv(f"{name}/5x5", five, 5, "pad: 2")
    chain.pool(f"{name}/pool", 3, 1, "pad: 1", bottom=source).conv(f"{name}/pool_proj", pooled, 1)
    parts = [f"{name}/{part}" for part in ("1x1", "3x3", "5x5", "pool_proj")]
    return chain.join(f"{name}/output", "Concat", parts)


MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def googlenet(start: str) -> Chain:
    """Szegedy's network with its two extra heads; `label` comes from the data layer."""
    chain = Chain("GoogLeNet", start).conv("conv1", 64, 7, "stride: 2 pad: 3").pool("pool1", 3, 2).add("norm1", "LRN")
    chain.conv("conv2_reduce", 64, 1).conv("conv2", 192, 3, "pad: 1").add("norm2", "LRN").pool("pool2", 3, 2)
    for name, widths in MODULES.items():
        inception(chain, name, widths)
        if name in {"3b", "4e"}:
            chain.pool(f"pool_{name}", 3, 2)
        if name in {"4a", "4d"}:
            kept = chain.top
            chain.add(f"aux_{name}", "Pooling", "pooling_param { pool: AVE kernel_size: 5 stride: 3 }")
            chain.conv(f"aux_{name}/conv", 128, 1).dense(f"aux_{name}/fc", 1024).dense(f"aux_{name}/classifier", 1000)
            chain.add_loss(f"loss_{name}", 0.3)
            chain.top = kept
    chain.add("pool5", "Pooling", "pooling_param { pool: AVE kernel_size: 7 stride: 1 }")
    return chain.dense("classifier", 1000).add_loss("loss", 1)
