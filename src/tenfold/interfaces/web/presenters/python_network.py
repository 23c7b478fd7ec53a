"""The page of a network of Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlencode

from tenfold.core.accounts.policy import Actor
from tenfold.core.networks.analysis import Analysis
from tenfold.core.networks.custom import meaning_of_python
from tenfold.core.networks.drawing import draw
from tenfold.core.networks.graph import GraphInput, LayerGraph, Node
from tenfold.core.networks.inspection import Inspection, SourceProblem
from tenfold.core.networks.network import NamedText
from tenfold.core.networks.source import Lines, Span
from tenfold.core.repository import Query
from tenfold.interfaces.services import Services
from tenfold.interfaces.web.presenters.frame import address
from tenfold.interfaces.web.presenters.network_difference import difference_view
from tenfold.interfaces.web.presenters.network_editor import Looking, graph_view
from tenfold.interfaces.web.presenters.network_page import history_rows, named_of, tab_of, version_text
from tenfold.interfaces.web.presenters.networks import network_row, parameter_row, runs_of, shape_text
from tenfold.interfaces.web.presenters.runs import run_row
from tenfold.interfaces.web.views import python_network as views
from tenfold.interfaces.web.views.frame import AboutForm
from tenfold.interfaces.web.views.network_editor import GraphView
from tenfold.services.inspections import Found, Wish

MAX_DATASETS = 100
MAX_ROWS = 400
INPUT = "input"


def python_page(
    services: Services,
    actor: Actor,
    entry: NamedText,
    name: str,
    asked: Mapping[str, str],
    *,
    about_form: AboutForm | None = None,
    refused: tuple[str, str] = ("", ""),
) -> views.PythonNetworkPage:
    """One network of Python; a source that was `refused` is shown again with the reason."""
    url, tab, dataset = address("networks", name), tab_of(asked.get("tab", "")), asked.get("dataset", "")
    found = services.inspections.known(actor, name, Wish(dataset=dataset))
    ready = services.datasets.named.page(actor, Query(limit=MAX_DATASETS)).items
    runs = services.runs.named.page(actor, Query(where=runs_of(entry), limit=20))
    text = refused[0] or entry.text
    fields = found.inspection.fields() if found.inspection is not None else ()
    return views.PythonNetworkPage(
        name=entry.name,
        title=entry.name,
        text=text,
        url=url,
        asked_name=name,
        version=version_text(entry),
        current=entry.network.current if entry.network is not None else "",
        tab=tab,
        inspection=inspection_view(found, text, url, dataset),
        parameters=tuple(parameter_row(field) for field in fields),
        datasets=tuple(each.name for each in ready if each.state == "ready"),
        dataset=dataset,
        level=services.inspections.level(actor).says(),
        why_not_run=why_not_run(actor),
        train_url=network_row(services, actor, entry).train_url,
        can_save=entry.network is not None and actor.may("network.change", owner=entry.network.owner),
        can_copy=actor.may("network.create") and actor.run_code,
        runs=tuple(run_row(services, actor, run) for run in runs.items),
        named=named_of(services, actor, entry),
        sent=about_form,
        refused=refused[1],
        history=history_rows(services, actor, entry) if tab == "history" else (),
        difference=difference_view(services, actor, entry, asked.get("against", "")) if tab == "difference" else None,
    )


def why_not_run(actor: Actor) -> str:
    """Why somebody cannot have Python executed; empty where they can."""
    if not actor.may("network.create"):
        return "Inspecting a network is for editors and the owner."
    if not actor.run_code:
        return "You may read it. Running own Python code on this machine is a right that its owner gives."
    return ""


def inspection_view(found: Found, text: str, url: str, dataset: str) -> views.InspectionView:
    """What is known, with the layers that were found."""
    query = f"?{urlencode({'dataset': dataset})}" if dataset else ""
    confined = found.confinement.says() if found.confinement is not None else ""
    if found.is_open:
        return views.InspectionView(state=found.state, more_url=f"{url}/inspection{query}")
    if found.inspection is None:
        line, problem = (found.problem.line, found.problem.message) if found.problem else (0, found.message)
        return views.InspectionView(state=found.state, line=line, problem=problem, confined=confined)
    seen = found.inspection
    most = max((layer.parameters for layer in seen.layers), default=0)
    return views.InspectionView(
        state=found.state,
        confined=confined,
        name=seen.name,
        layers=tuple(
            views.SourceLayerRow(
                path=layer.path,
                kind=layer.kind,
                line=layer.line,
                shape=shape_text(layer.shape) or "a number",
                inputs=", ".join(layer.inputs),
                num_parameters=layer.parameters,
                share=layer.parameters / max(1, most),
            )
            for layer in seen.layers[:MAX_ROWS]
        ),
        num_layers=seen.num_layers,
        num_parameters=seen.num_parameters,
        input_text=shape_text(seen.input_shape),
        classes=seen.classes,
        why_not_traced=seen.why_not_traced,
        onnx=seen.onnx,
        why_not_onnx=_note(seen.why_not_onnx) if seen.why_not_onnx is not None else None,
        warnings=tuple(_note(each) for each in seen.warnings),
        graph=_graph(seen, text, url),
    )


def _note(problem: SourceProblem) -> views.LineNote:
    return views.LineNote(problem.line, problem.message.replace("`", ""))


def _graph(seen: Inspection, text: str, url: str) -> GraphView:
    """The layers as a graph; a press on one leads to its line."""
    meaning, lines = _drawable(seen, text), Lines(text)
    drawing = draw(meaning)
    abouts = {layer.path: layer.kind for layer in seen.layers} | {INPUT: "image"}
    view = graph_view(drawing, meaning, abouts, Looking(url, is_live=True), lines=lines, chosen=None)
    nodes = tuple(replace(node, url=f"#line-{node.line}" if node.line else "#h-layers") for node in view.nodes)
    return replace(view, nodes=nodes)


def _drawable(seen: Inspection, text: str) -> Analysis:
    """The layers that were found, as a drawing takes them: each after those that it reads."""
    lines = Lines(text)
    known = {INPUT}
    nodes, places = [], {}
    for layer in seen.layers:
        if layer.path in known:
            continue
        inputs = tuple(path for path in layer.inputs if path in known)
        nodes.append(
            Node(
                path=layer.path,
                kind=layer.kind,
                arguments={},
                inputs=inputs,
                shape=layer.shape,
                parameters=layer.parameters,
            )
        )
        known.add(layer.path)
        if layer.line:
            start = lines.starts_at(layer.line)
            places[layer.path] = Span(start, start)
    sketch = LayerGraph(inputs=(GraphInput(INPUT, "image", seen.input_shape),), nodes=tuple(nodes), outputs=())
    bare = meaning_of_python(text)
    return Analysis(
        name=seen.name,
        title=bare.title,
        graph=None,
        problems=(),
        warnings=(),
        parameters=(),
        inputs=sketch.inputs,
        sketch=sketch,
        places=places,
    )
