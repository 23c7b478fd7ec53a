"""Every kind of layer in PyTorch: the shape that the rules promise, and the values of PyTorch's own modules."""

import pytest
import torch
from torch import nn

from tenfold.adapters.frameworks.torch.builder import NetworkModule, build_module
from tenfold.core.networks.analysis import require_graph
from tenfold.core.networks.vocabulary import LAYERS

IMAGE, SEQUENCE, TOKENS = "image(6, 9, 7)", "sequence(6, 5)", "tokens(5, 11)"
CALLS = {
    "conv": ["conv(4, 3, stride=2, pad=same)", "conv(4, [3, 2], pad=half, dilation=2, groups=2)"],
    "conv_transpose": [
        "conv_transpose(4, 3, stride=2, pad=1, output_pad=1)",
        "conv_transpose(4, [2, 3], groups=2, bias=false)",
    ],
    "dense": ["dense(4)"],
    "max_pool": ["max_pool(2)", "max_pool(3, stride=2, pad=1, ceil=true)", "max_pool(3, pad=same)"],
    "avg_pool": ["avg_pool(2)", "avg_pool(3, stride=2, pad=1, ceil=true, count_pad=false)"],
    "global_avg_pool": ["global_avg_pool", "global_avg_pool(keep=true)"],
    "global_max_pool": ["global_max_pool", "global_max_pool(keep=true)"],
    "adaptive_avg_pool": ["adaptive_avg_pool([3, 2])"],
    "batch_norm": ["batch_norm", "batch_norm(affine=false)"],
    "layer_norm": ["layer_norm"],
    "group_norm": ["group_norm(3)", "group_norm(3, affine=false)"],
    "instance_norm": ["instance_norm", "instance_norm(affine=true)"],
    "lrn": ["lrn", "lrn(3, alpha=0.1, region=within)"],
    "scale": ["scale(0.5)", "scale(bias=true)"],
    "normalize": ["normalize", "normalize(l1)"],
    "prelu": ["prelu", "prelu(shared=true)"],
    "activation": ["activation(leaky_relu, 0.2)"],
    "dropout": ["dropout(0.3)"],
    "drop_path": ["drop_path(0.3)"],
    "flatten": ["flatten"],
    "reshape": ["reshape([3, -1])", "reshape(378)"],
    "permute": ["permute([2, 0, 1])"],
    "to_sequence": ["to_sequence"],
    "to_image": ["to_image(1, 5)"],
    "upsample": ["upsample(2)", "upsample([2, 3], linear)"],
    "pad": ["pad(2)", "pad([1, 2], reflect)", "pad(1, edge)"],
    "slice": ["slice(1, 4)"],
    "select": ["select(0)", "select(-1)"],
    "add": ["add from x, x, x"],
    "subtract": ["subtract from x, x"],
    "multiply": ["multiply from x, x"],
    "maximum": ["maximum from x, x"],
    "average": ["average from x, x, x"],
    "concat": ["concat from x, x"],
    "crop": ["crop from x, x"],
    "distance": ["distance from x, x", "distance(l1) from x, x", "distance(cosine) from x, x"],
    "embedding": ["embedding(4)"],
    "one_hot": ["one_hot"],
    "position_embedding": ["position_embedding"],
    "class_token": ["class_token"],
    "attention": ["attention(2)", "attention(3, bias=false, dropout=0.2)", "attention(2) from x, x"],
    "lstm": ["lstm(4)", "lstm(4, layers=2, bidirectional=true)", "lstm(4, bidirectional=true, result=last)"],
    "gru": ["gru(4)", "gru(4, layers=2, result=last)"],
    "prior_box": ["prior_box(4) from x, x", "prior_box([4, 6], max_size=[5, 9], ratios=[2, 3], flip=false) from x, x"],
    "detection_output": ["slice(0, 2)\nd = detection_output(keep=3) from layer, x, x"],
}
INPUTS = {
    "dense": SEQUENCE,
    "to_image": SEQUENCE,
    "select": SEQUENCE,
    "position_embedding": SEQUENCE,
    "class_token": SEQUENCE,
    "attention": SEQUENCE,
    "lstm": SEQUENCE,
    "gru": SEQUENCE,
    "distance": "vector(6)",
    "embedding": TOKENS,
    "one_hot": TOKENS,
    "detection_output": "sequence(4, 8)",
}
CASES = [(kind, call) for kind, calls in CALLS.items() for call in calls]


def module_of(call: str, source: str) -> NetworkModule:
    text = f"network n\ninput x = {source}\nlayer = {call}\noutput y\n"
    return build_module(require_graph(text), seed=3)


def example(module: NetworkModule, batch: int = 3) -> torch.Tensor:
    item = module.graph.inputs[0]
    draw = torch.Generator().manual_seed(0)
    if item.kind == "tokens":
        return torch.randint(item.vocabulary, (batch, *item.shape), generator=draw)
    return torch.randn(batch, *item.shape, generator=draw)


def test_all_kinds_stand_here():
    assert set(CALLS) == {kind.stands_for or name for name, kind in LAYERS.items()}


@pytest.mark.parametrize(("kind", "call"), CASES, ids=[call for _, call in CASES])
def test_shapes_are_as_the_rules_say_and_every_tensor_is_used(kind: str, call: str):
    module = module_of(call, INPUTS.get(kind, IMAGE))
    x = example(module)
    output = module(x)
    assert output.shape == (3, *module.graph.nodes[-1].shape)
    assert module.eval()(x[:1]).shape == (1, *module.graph.nodes[-1].shape)
    if any(True for _ in module.parameters()):
        (output * torch.arange(output.numel()).view_as(output)).sum().backward()
        assert all(tensor.grad is not None for tensor in module.parameters())
    assert sum(tensor.numel() for tensor in module.parameters()) == module.graph.parameters


def same(module: NetworkModule, reference: nn.Module, x: torch.Tensor) -> bool:
    return torch.allclose(module.eval()(x), reference.eval()(x), atol=1e-6)


def copied(reference: nn.Module, module: NetworkModule, names: dict[str, str]) -> nn.Module:
    """The reference with the weights of the module's layer."""
    state = module.state_dict()
    reference.load_state_dict({theirs: state[f"layer.{ours}"] for theirs, ours in names.items()})
    return reference


BOTH = {"weight": "weight", "bias": "bias"}


@pytest.mark.parametrize(
    ("call", "source", "reference"),
    [
        ("conv_transpose(4, 3, stride=2, pad=1, output_pad=1)", IMAGE, nn.ConvTranspose2d(6, 4, 3, 2, 1, 1)),
        ("group_norm(3)", IMAGE, nn.GroupNorm(3, 6)),
        ("instance_norm(affine=true)", IMAGE, nn.InstanceNorm2d(6, affine=True)),
        ("prelu", IMAGE, nn.PReLU(6)),
    ],
)
def test_values_are_those_of_pytorchs_modules(call: str, source: str, reference: nn.Module):
    module = module_of(call, source)
    names = {name: name for name in reference.state_dict()}
    assert same(module, copied(reference, module, names), example(module))


def test_layer_norm_is_over_channels():
    module = module_of("layer_norm", IMAGE)
    x = example(module)
    expected = nn.functional.layer_norm(x.permute(0, 2, 3, 1), (6,)).permute(0, 3, 1, 2)
    assert torch.allclose(module(x), expected, atol=1e-6)


@pytest.mark.parametrize("options", ["", ", layers=2, bidirectional=true"])
@pytest.mark.parametrize(("kind", "reference"), [("lstm", nn.LSTM), ("gru", nn.GRU)])
def test_recurrent_layers_are_pytorchs(kind: str, reference: type[nn.Module], options: str):
    module = module_of(f"{kind}(4{options})", SEQUENCE)
    about = {"num_layers": 2, "bidirectional": True} if options else {}
    theirs = reference(6, 4, batch_first=True, **about)
    names = {name: name for name in theirs.state_dict()}
    copied(theirs, module, names)
    x = example(module)
    assert torch.allclose(module(x), theirs(x.transpose(1, 2))[0].transpose(1, 2), atol=1e-6)
    last = module_of(f"{kind}(4{options}, result=last)", SEQUENCE)
    hidden = theirs(x.transpose(1, 2))[1]
    hidden = hidden[0] if kind == "lstm" else hidden
    expected = torch.cat([hidden[-2], hidden[-1]], dim=1) if options else hidden[-1]
    assert torch.allclose(last(x), expected, atol=1e-6)


def test_attention_is_pytorchs():
    module = module_of("attention(2)", SEQUENCE)
    names = {
        "in_proj_weight": "qkv_weight",
        "in_proj_bias": "qkv_bias",
        "out_proj.weight": "out_weight",
        "out_proj.bias": "out_bias",
    }
    theirs = copied(nn.MultiheadAttention(6, 2, batch_first=True), module, names)
    x = example(module)
    rows = x.transpose(1, 2)
    assert torch.allclose(module(x), theirs(rows, rows, rows)[0].transpose(1, 2), atol=1e-6)


def test_attention_to_a_memory_of_other_length_and_width():
    text = "network n\ninput x = sequence(6, 5)\ninput m = sequence(4, 9)\na = attention(2) from x, m\noutput y\n"
    module = build_module(require_graph(text), seed=1)
    x, memory = torch.randn(2, 6, 5), torch.randn(2, 4, 9)
    state = module.state_dict()
    theirs = nn.MultiheadAttention(6, 2, batch_first=True, kdim=4, vdim=4)
    key, value = state["a.key_value_weight"].chunk(2)
    theirs.load_state_dict(
        {
            "q_proj_weight": state["a.query_weight"],
            "k_proj_weight": key,
            "v_proj_weight": value,
            "in_proj_bias": torch.cat([state["a.query_bias"], state["a.key_value_bias"]]),
            "out_proj.weight": state["a.out_weight"],
            "out_proj.bias": state["a.out_bias"],
        }
    )
    rows = memory.transpose(1, 2)
    assert torch.allclose(module(x, memory), theirs(x.transpose(1, 2), rows, rows)[0].transpose(1, 2), atol=1e-6)


def test_attention_with_dropout_gives_the_same_once_trained():
    module, plain = module_of("attention(2, dropout=0.4)", SEQUENCE), module_of("attention(2)", SEQUENCE)
    x = example(module)
    assert not torch.allclose(module(x), plain(x))
    assert torch.allclose(module.eval()(x), plain(x), atol=1e-6)


def test_dropping_keeps_the_mean_and_draws_from_the_given_generator():
    module = module_of("drop_path(0.25)", "vector(8)")
    x = torch.ones(4000, 8)
    module.use_generator(torch.Generator().manual_seed(1))
    first = module(x)
    module.use_generator(torch.Generator().manual_seed(1))
    assert torch.equal(module(x), first)
    assert first.unique().tolist() == [0.0, pytest.approx(4 / 3)]
    assert bool((first == first[:, :1]).all())  # a sample goes or stays as a whole
    assert abs(first.mean().item() - 1) < 0.05


def test_lrn_within_channels_is_caffes():
    """Caffe: x / (k + alpha * mean of squares over the window) ^ beta, zeros outside."""
    module = module_of("lrn(3, alpha=0.5, region=within)", "image(1, 4, 4)")
    x = example(module, 1)
    padded = nn.functional.pad(x * x, (1, 1, 1, 1))
    mean = torch.stack([padded[:, :, r : r + 4, c : c + 4] for r in range(3) for c in range(3)]).mean(dim=0)
    assert torch.allclose(module(x), x / (1 + 0.5 * mean) ** 0.75, atol=1e-6)


def test_distances():
    text = "network n\ninput a = vector(3)\ninput b = vector(3)\ndistance({}) from a, b\noutput y\n"
    a, b = torch.tensor([[3.0, 0.0, 0.0]]), torch.tensor([[0.0, 4.0, 0.0]])
    for norm, expected in (("l2", 5.0), ("l1", 7.0), ("cosine", 1.0)):
        assert build_module(require_graph(text.format(norm)), seed=0)(a, b).item() == pytest.approx(expected, abs=1e-4)
    equal = a.clone().requires_grad_()
    build_module(require_graph(text.format("l2")), seed=0)(equal, a).backward()
    assert equal.grad is not None
    assert torch.isfinite(equal.grad).all()
