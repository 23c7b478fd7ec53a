"""What layers cost, against counts and receptive fields that are known."""

from __future__ import annotations

from pathlib import Path

from tenfold.core.networks.analysis import analyse, require_graph
from tenfold.core.networks.costs import LayerCost, Sight, layer_costs, together

CATALOGUE = Path(__file__).parents[3] / "src/tenfold/core/networks/catalogue"
TEXTS = {path.stem: path.read_text() for path in CATALOGUE.glob("*.network")}


def costs_of(text: str) -> dict[str, LayerCost]:
    return {cost.path: cost for cost in layer_costs(require_graph(text))}


def sight_of(lines: str, path: str) -> Sight | None:
    return costs_of(f"network n\ninput i = image(3, 32, 32)\n{lines}\noutput o")[path].sight


def test_lenet_costs_what_can_be_counted_by_hand() -> None:
    costs = costs_of(TEXTS["lenet"])
    conv1 = costs["conv1"]
    assert conv1.parameters == 20 * 25 + 20
    assert conv1.multiply_adds == 20 * 24 * 24 * 25
    assert conv1.activation_bytes == 4 * 20 * 24 * 24
    assert conv1.gradient_bytes == 4 * conv1.parameters
    assert costs["conv2_flatten"].activation_bytes == 0
    total = together("", costs.values())
    assert total.parameters == 431_080
    assert total.gradient_bytes == 4 * 431_080


def test_a_function_in_place_keeps_nothing_and_a_frozen_layer_has_no_gradients() -> None:
    costs = costs_of("network n\ninput i = image(1, 8, 8)\nc = conv(4, 3, frozen=true)\nrelu\na = gelu\noutput o")
    assert costs["c"].gradient_bytes == 0
    assert costs["c"].parameters == 40
    assert costs["c_relu"].activation_bytes == 0
    assert costs["a"].activation_bytes == 4 * 4 * 36


def test_receptive_fields_are_the_published_ones() -> None:
    """VGG-16: Araujo et al. 2019, table 1."""
    vgg = costs_of(TEXTS["vgg16"])
    last = [cost for cost in vgg.values() if cost.sight and not cost.sight.is_all][-1]
    assert last.sight == Sight((212, 212), (32, 32))
    lenet = costs_of(TEXTS["lenet"])
    assert lenet["conv1"].sight == Sight((5, 5), (1, 1))
    assert lenet["conv2"].sight == Sight((14, 14), (2, 2))
    assert lenet["conv2_max_pool"].sight == Sight((16, 16), (4, 4))
    assert lenet["ip1"].sight == Sight(is_all=True)


def test_windows_dilate_enlarge_and_join() -> None:
    assert sight_of("c = conv(4, 3, dilation=4)", "c") == Sight((9, 9), (1, 1))
    assert sight_of("a = conv(4, [3, 5])", "a") == Sight((3, 5), (1, 1))
    lines = "a = conv(4, 3, pad=1)\nb = conv(4, 7, pad=3) from i\nc = add from a, b"
    assert sight_of(lines, "c") == Sight((7, 7), (1, 1))
    assert sight_of("p = max_pool(2)\nu = upsample(2)", "u") == Sight((2, 2), (1, 1))
    assert sight_of("p = max_pool(4)\nu = conv_transpose(3, 4, stride=2)", "u") == Sight((8, 8), (2, 2))


def test_what_has_no_places_has_no_receptive_field() -> None:
    costs = costs_of(TEXTS["vit_tiny"])
    assert any(cost.sight is None for cost in costs.values())
    assert [cost for cost in costs.values()][-1].sight == Sight(is_all=True)
    assert layer_costs(analyse("").sketch) == ()
