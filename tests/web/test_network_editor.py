"""What the editor of a network asks for over HTTP, and what its figures, rows and form say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient
from web.samples.results import CATALOGUE, LENET_TEXT

from tenfold.bootstrap.server import build_services
from tenfold.core.networks.analysis import analyse
from tenfold.core.networks.editing.edits import apply_edits
from tenfold.core.networks.editing.layers import insert_after
from tenfold.core.networks.editing.places import find_place
from tenfold.core.networks.editing.proposals import proposed_layers
from tenfold.core.networks.formatting import format_definition
from tenfold.core.networks.limits import MAX_TEXT_BYTES
from tenfold.core.networks.parser import parse
from tenfold.core.networks.problems import TextEdit
from tenfold.interfaces.api.app import create_app
from tenfold.interfaces.schemas.language import vocabulary
from tenfold.interfaces.web.entry import add_pages
from tenfold.interfaces.web.presenters.language import EXAMPLE
from tenfold.interfaces.web.presenters.layer_panel import layer_panel
from tenfold.interfaces.web.presenters.network_editor import MAX_DRAWN, Looking, editor_view
from tenfold.interfaces.web.presenters.networks import arguments_text
from tenfold.interfaces.web.views.network_editor import EditorView
from tenfold.settings import Settings

ORIGIN = "http://127.0.0.1:5000"
RESNET = (CATALOGUE / "resnet50.network").read_text()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    services = build_services(Settings(data=tmp_path_factory.mktemp("editor")))
    app = create_app(services, local_secret="local", hosts={"127.0.0.1"}, add_pages=add_pages)
    client = TestClient(app, base_url=ORIGIN, headers={"origin": ORIGIN})
    client.get(f"/link/{services.accounts.make_link(services.owner.user)}")
    yield client
    services.close()


def view_of(text: str, **looking: object) -> EditorView:
    return editor_view(text, analyse(text), Looking("/networks/n", **looking))  # type: ignore[arg-type]


def test_lenet_is_told_in_figures_rows_and_words() -> None:
    view = view_of(LENET_TEXT)
    assert (view.num_parameters, view.sees, view.sees_at) == (431_080, "16 × 16", "conv2_max_pool")
    assert view.finding == "ip1 holds 93 % of the parameters; conv2 does 70 % of the work"
    assert view.state == "no errors"
    rows = {row.path: row for row in view.costs}
    assert rows["conv2"].shape == "50 × 8 × 8"
    assert rows["conv2"].multiply_add_share == 1
    assert sum(row.num_parameters for row in view.costs) == view.total.num_parameters
    nodes = {node.path: node for node in view.graph.nodes}
    assert nodes["conv2"].says == "conv2, conv 5 × 5, 50 filters, gives 50 × 8 × 8, line 14"
    assert (nodes["conv2"].above, nodes["conv2"].below) == ("conv1_max_pool", "conv2_max_pool")


def test_a_long_name_stays_in_its_box() -> None:
    name = "inception5b_global_average_pooling"
    text = f"network n\ninput image = image(1, 28, 28)\n{name} = conv(9, 3)\nshort = relu\noutput y\n"
    node = {node.path: node for node in view_of(text).graph.nodes}[name]
    assert (node.label, node.number) == ("inception5b_global_av…", "90")
    assert node.says.startswith(f"{name}, conv 3 × 3, 9 filters")


def test_silhouettes_are_to_scale() -> None:
    nodes = {node.path: node for node in view_of(LENET_TEXT).graph.nodes}
    pool, conv = nodes["conv1_max_pool"], nodes["conv1"]
    assert conv.volume_height / pool.volume_height == pytest.approx(24 / 12, rel=0.02)
    assert nodes["conv2"].volume_width / conv.volume_width == pytest.approx(50 / 20, rel=0.02)


def test_the_layer_of_the_address_or_of_the_cursor_is_the_chosen_one() -> None:
    assert view_of(LENET_TEXT, layer="conv2").panel.title == "conv2"
    assert view_of(LENET_TEXT, line=17).chosen == "ip1"
    assert view_of(LENET_TEXT, layer="conv2", line=17).chosen == "ip1", "the cursor has moved"
    assert view_of(LENET_TEXT, line=3).panel.why_not
    folded = view_of(RESNET, layer="layer1.0.conv2")
    assert folded.chosen == "layer1"
    inside = view_of(RESNET, layer="layer1.1.conv2", opened=frozenset({"layer1", "layer1.0", "layer1.1"}), line=24)
    assert inside.chosen == "layer1.1.conv2", "of the layers on one line the one that was chosen"
    assert inside.panel.title == "layer1.1.conv2"


def test_the_form_says_where_a_value_comes_from() -> None:
    fields = {field.name: field for field in view_of(LENET_TEXT, layer="conv1").panel.fields}
    assert (fields["out"].label, fields["out"].value, fields["out"].parameter) == ("Width", "20", "width1")
    assert (fields["bias"].kind, fields["bias"].value, fields["bias"].is_changed) == ("boolean", "true", False)
    assert fields["activation"].value == "none"
    window = view_of(LENET_TEXT, layer="conv1_max_pool").panel.fields[0]
    assert (window.name, window.value, window.parameter) == ("window", "2", "window")
    assert "activation" not in {field.name for field in view_of(LENET_TEXT, layer="image").panel.fields}
    assert view_of(LENET_TEXT, layer="conv1_max_pool").panel.training == (), "it has no weights"


def test_a_mistake_is_told_where_it_is_and_its_layer_is_chosen() -> None:
    view = view_of(LENET_TEXT.replace("2 in 2..4", "9 in 2..40"))
    assert view.state == "1 error"
    assert view.chosen == "conv2"
    assert view.problems[0].line == 14
    assert "conv2 does not fit" in view.graph.says
    assert {row.path: row.shape for row in view.costs}["ip2"] == "unknown"


def test_too_many_layers_are_not_drawn_and_said_to_be() -> None:
    lines = "\n".join("relu" for _ in range(MAX_DRAWN + 5))
    view = view_of(f"network n\ninput i = image(1, 4, 4)\n{lines}\noutput o")
    assert "too many to draw" in view.graph.why_not
    assert len(view.costs) <= MAX_DRAWN


def test_a_look_gives_problems_and_parts(browser: TestClient) -> None:
    asked = {"address": "/networks/lenet", "text": LENET_TEXT, "line": 14}
    answer = browser.post("/networks/-/look", json=asked).json()
    assert answer["problems"] == []
    assert answer["layer"] == "conv2"
    assert set(answer["parts"]) == {"figures", "graph", "costs", "panel"}
    assert "50 × 8 × 8" in answer["parts"]["graph"]
    broken = browser.post("/networks/-/look", json={**asked, "text": LENET_TEXT.replace("flatten\n", "")}).json()
    assert [fix["label"] for fix in broken["problems"][0]["fixes"]]
    assert broken["problems"][0]["line"] == 16
    assert "is-bad" in broken["parts"]["graph"]


def test_a_text_is_never_markup(browser: TestClient) -> None:
    text = 'network n "<b>x</b>"\ninput i = image(1, 4, 4)\nc = "</textarea><script>"\noutput o'
    answer = browser.post("/networks/-/look", json={"address": "/networks/n", "text": text}).json()
    assert "<script" not in str(answer["parts"])


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"text": "x" * (2 * MAX_TEXT_BYTES + 1)}, 422),
        ({"address": "https://elsewhere"}, 422),
        ({"line": -1}, 422),
        ({"unknown": 1}, 422),
        ({"address": f"/networks/{quote(chr(0x1F98A) * 120)}@12"}, 200),
        ({"text": ""}, 200),
        ({"text": "(" * 5000}, 200),
        ({"text": "\U0001f600\nnetwork n"}, 200),
        ({"layer": "a.b.c", "opened": ["x"], "line": 10**6}, 200),
    ],
)
def test_odd_looks_are_answered(browser: TestClient, changed: dict[str, object], status: int) -> None:
    asked = {"address": "/networks/lenet", "text": LENET_TEXT, **changed}
    assert browser.post("/networks/-/look", json=asked).status_code == status


def operated(browser: TestClient, text: str, **operation: object) -> tuple[str, int]:
    """The text after an operation of the form, and the line that it leads to."""
    answer = browser.post("/networks/-/edit", json={"text": text, **operation})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    return apply_edits(text, [TextEdit(**each) for each in told["edits"]]), told["line"]


def test_a_text_that_cannot_be_read_in_time_is_not_read_again_for_the_form() -> None:
    text = "network n\ninput image = image(1, 28, 28)\n" + "relu\n" * 50_000
    meaning = analyse(text, is_late=lambda: True)
    assert [problem.code for problem in meaning.problems] == ["network.slow"]
    view = editor_view(text, meaning, Looking("/networks/n", line=4))
    assert view.panel.why_not
    assert (view.graph.nodes, view.costs) == ((), ())


def test_an_edit_gives_edits_and_a_refusal_its_reason(browser: TestClient) -> None:
    asked = {"text": LENET_TEXT, "line": 13, "action": "set", "argument": "window", "value": "3", "of_parameter": True}
    (edit,) = browser.post("/networks/-/edit", json=asked).json()["edits"]
    assert (LENET_TEXT[edit["start"] : edit["end"]], edit["text"]) == ("2", "3")
    refused = browser.post("/networks/-/edit", json={**asked, "value": "30"})
    assert refused.status_code == 409
    assert refused.json()["detail"] == "`window` would be 30, allowed are 2 to 4."
    unknown = browser.post("/networks/-/edit", json={**asked, "action": "burn"})
    assert unknown.status_code == 422
    after, line = operated(browser, LENET_TEXT, line=12, action="activate", value="tanh")
    assert (after.split("\n")[12], line) == ("tanh", 12)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"line": 12, "action": "insert", "value": "conv(8, 3, pad=half)"}, "conv3 = conv(8, 3, pad=half)"),
        ({"line": 14, "action": "move-up"}, "conv2 = conv(width2, 5, bias=bias)"),
        ({"line": 12, "action": "move-down"}, "conv1 = conv(width1, 5, bias=bias)"),
        ({"line": 14, "action": "wrap", "name": "pair", "until": 15}, "pair = pair"),
        ({"line": 14, "action": "make-parameter", "argument": "kernel", "name": "size"}, "conv2 = conv(width2, size, "),
        ({"line": 17, "action": "rename", "name": "wide"}, "wide = dense(hidden, bias=bias)"),
        ({"line": 14, "action": "connect", "value": "image"}, "conv2 = conv(width2, 5, bias=bias) from image"),
        ({"line": 14, "action": "repeat", "value": "2"}, "conv2 = conv(width2, 5, bias=bias) repeat 2"),
        ({"line": 12, "action": "remove"}, "max_pool(window)"),
        ({"line": 12, "action": "switch-off"}, "conv1 = conv(width1, 5, bias=bias) when false"),
    ],
)
def test_an_operation_leads_to_the_line_that_came_of_it(
    browser: TestClient, operation: dict[str, object], expected: str
) -> None:
    after, line = operated(browser, LENET_TEXT, **operation)
    assert after.split("\n")[line - 1].startswith(expected)


def test_a_text_is_brought_into_the_usual_layout_by_one_edit(browser: TestClient) -> None:
    tidy = format_definition(parse(LENET_TEXT))
    untidy = tidy.replace("conv1 = conv(width1, 5", "   conv1=conv(width1, 5")
    (edit,) = browser.post("/networks/-/format", json={"text": untidy}).json()["edits"]
    assert edit["end"] - edit["start"] < 60, "what is in order stays, so that the cursor does"
    assert apply_edits(untidy, [TextEdit(**edit)]) == tidy
    assert browser.post("/networks/-/format", json={"text": tidy}).json()["edits"] == []
    assert browser.post("/networks/-/format", json={"text": "network ("}).status_code == 422


def test_the_form_offers_what_can_be_done_with_a_layer() -> None:
    offered = view_of(LENET_TEXT, layer="conv2").panel.operations
    assert offered is not None
    lines = dict(offered.layers)
    assert "conv(64, 3, pad=half)" in lines["Layers"]
    assert "relu" in lines["Activations"]
    assert lines["Joins"][0] == "add from conv2, conv1"
    assert offered.reads[0].options == ("conv1", "image")
    assert offered.ends[:2] == ((14, "conv2"), (15, "max_pool"))
    assert ("kernel", "5") in offered.made
    assert "out" not in dict(offered.made), "it is a parameter already"
    image = view_of(LENET_TEXT, layer="image").panel.operations
    assert image is not None
    assert (image.is_layer, image.ends, image.reads) == (False, (), ())
    first = view_of(RESNET, layer="layer1").panel.operations
    assert first is not None
    assert first.copies == "depths[0]"
    assert dict(first.layers)["Blocks of this text"] == ("bottleneck(128)", "projection(64, 1)")
    add = view_of(RESNET, layer="layer1.0.add", opened=frozenset({"layer1", "layer1.0"}), line=30).panel.operations
    assert add is not None
    assert [each.value for each in add.reads] == ["bn3", "downsample", ""]


@pytest.mark.parametrize(
    "line", [line for _, line in proposed_layers(find_place(parse(LENET_TEXT), LENET_TEXT.index("conv2")))]
)
def test_every_line_that_is_offered_can_be_inserted(line: str) -> None:
    edits = insert_after(parse(LENET_TEXT), LENET_TEXT.index("conv2"), line).edits
    assert parse(apply_edits(LENET_TEXT, edits)).problems == ()


def test_the_vocabulary_has_help_for_everything(browser: TestClient) -> None:
    known = browser.get("/networks/-/vocabulary").json()
    assert known == vocabulary()
    assert known["layers"]["conv"]["arguments"][0]["name"] == "out"
    assert all(kind["help"] for kind in known["layers"].values())


def test_the_page_can_be_looked_at_by_its_address(browser: TestClient) -> None:
    assert 'data-path="layer2.0"' not in browser.get("/networks/resnet50").text
    opened = browser.get("/networks/resnet50?open=layer2&layer=layer2.1").text
    assert 'data-path="layer2.0"' in opened
    assert browser.get("/networks/resnet50?open=,,x&fold=%00&layer=%F0%9F%98%80").status_code == 200


def test_a_changed_catalogue_network_is_saved_as_one_of_ones_own_and_then_as_versions(browser: TestClient) -> None:
    wider = LENET_TEXT.replace("width2     = 50", "width2     = 60")
    made = browser.post("/networks/-/save", json={"name": "lenet", "text": wider}).json()
    assert made["url"] == "/networks/lenet-2"
    page = browser.get(made["url"]).text
    current = re.findall(r'<network-editor[^>]* current="(\w+)"', page)[0]
    wide = wider.replace("hidden     = 500", "hidden     = 300")
    asked = {"name": "lenet-2", "text": wide, "current": current}
    assert browser.post("/networks/-/save", json=asked).status_code == 200
    stale = browser.post("/networks/-/save", json={**asked, "text": wider})
    assert stale.status_code == 409
    assert "version" in stale.json()["detail"]
    history = browser.get(f"{made['url']}?tab=history").text
    assert "hidden" in history or "1 line changed" in history
    assert 'href="/networks/lenet-2@1"' in history
    older = browser.get(f"{made['url']}@1").text
    assert "version 1 of 2" in older
    assert "60 in 1..512" in older


def test_a_network_is_told_against_what_it_came_from_and_any_other(browser: TestClient) -> None:
    text = LENET_TEXT.replace("width2, 5", "width2, 3")
    url = browser.post("/networks/-/save", json={"name": "lenet", "text": text}).json()["url"]
    first = browser.get(f"{url}?tab=difference").text
    assert "Against what it came from (lenet)" in first
    assert 'class="is-gone"' in first
    assert "50 × 10 × 10" in first
    assert "6 of 8 tensors can be taken from weights of it; conv2.weight, ip1.weight would have another shape" in first
    other = browser.get(f"{url}?tab=difference&against=resnet50")
    assert "Against ResNet-50" in other.text
    assert browser.get(f"{url}?tab=difference&against=nothing").status_code == 200


def test_a_text_that_is_not_saved_is_told_against_what_is_and_where_that_came_from(browser: TestClient) -> None:
    text = LENET_TEXT.replace("width2, 5", "width2, 3")
    name = browser.post("/networks/-/save", json={"name": "lenet", "text": text}).json()["url"].rpartition("/")[2]
    asked = {"name": name, "text": text.replace("window     = 2", "window     = 3")}
    saved = browser.post("/networks/-/difference", json=asked).json()["draft"]
    assert "against version 1, which it was made from" in saved
    assert saved.count('class="is-gone"') == 1
    origin = browser.post("/networks/-/difference", json={**asked, "against": "origin"}).json()["draft"]
    assert "against what it came from (lenet)" in origin
    assert origin.count('class="is-gone"') == 2
    shipped = browser.post("/networks/-/difference", json={"name": "lenet", "text": text}).json()["draft"]
    assert "against LeNet as it ships" in shipped
    broken = browser.post("/networks/-/difference", json={**asked, "text": "<b>("}).json()["draft"]
    assert "mend the mistakes first" in broken
    assert "<b>(" not in broken


def test_a_network_is_copied_without_scripts(browser: TestClient) -> None:
    page = browser.get("/networks/unet").text
    assert "Copy as a network of my own" in page
    source = re.findall(r'name="source" value="([^"]+)"', page)[0]
    answer = browser.post("/networks/-/copy", data={"source": source})
    assert answer.status_code == 200
    assert answer.url.path == "/networks/unet-2"
    assert "unet-2 is a copy of unet." in answer.text
    assert browser.post("/networks/-/copy", data={"source": "model:none"}).status_code == 404
    assert browser.post("/networks/-/copy", data={}).status_code == 422


def test_a_draft_is_kept_and_says_what_is_wrong(browser: TestClient) -> None:
    broken = LENET_TEXT.replace("flatten\n", "")
    url = browser.post("/networks/-/save", json={"name": "lenet", "text": broken}).json()["url"]
    page = browser.get(url).text
    assert "Line 16:" in page
    assert not re.search(r' href="/runs/new\?network', page)
    assert "mend it to train" in page
    assert "mend the mistakes first" in browser.get(f"{url}?tab=difference").text


DETECTOR = """language 1
network found
input x = image(3, 32, 32)
p = prior_box([12, 14], ratios=[2, 3]) from x, x
"""


def test_the_numbers_of_prior_boxes_are_told_in_a_row_and_filled_into_the_panel():
    meaning = analyse(f"{DETECTOR}output y\n")
    (prior, *_) = meaning.sketch.nodes
    assert arguments_text(prior.kind, prior.arguments) == "min_size 12 14, ratios 2 0.5 3 0.333333, step 1 1"
    panel = layer_panel(DETECTOR, meaning, "p", 4, 4)
    values = {field.name: (field.value, field.default) for field in panel.fields}
    assert values["min_size"] == ("[12, 14]", "")
    assert values["variance"] == ("[0.1, 0.1, 0.2, 0.2]", "[0.1, 0.1, 0.2, 0.2]")
    assert values["max_size"] == ("[]", "[]")
    known = {each["name"]: each for each in vocabulary()["layers"]["prior_box"]["arguments"]}
    assert known["variance"]["default"] == "[0.1, 0.1, 0.2, 0.2]"
    assert known["clip"]["default"] == "false"
    assert "class -1" in vocabulary()["layers"]["detection_output"]["help"]


def test_the_reference_has_every_word_and_its_example_has_no_mistake(browser: TestClient) -> None:
    page = browser.get("/networks/-/language")
    assert page.status_code == 200
    known = vocabulary()
    for name, kind in known["layers"].items():
        assert f'id="layer-{name}"' in page.text
        for argument in kind["arguments"]:
            assert f">{argument['name']}</th>" in page.text
    for word in (*known["statements"], *known["inputs"], *known["initialisers"]):
        assert f">{word}" in page.text
    meaning = analyse(EXAMPLE)
    assert (meaning.problems, meaning.warnings) == ((), ())
    assert format_definition(parse(EXAMPLE)) == EXAMPLE
    assert '<a href="/networks/-/language"' in browser.get("/networks/lenet").text
