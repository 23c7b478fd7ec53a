"""Networks as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from tenfold.core.networks import network as networks
from tenfold.core.networks.analysis import Analysis
from tenfold.core.networks.custom import is_python
from tenfold.core.networks.graph import Node
from tenfold.core.networks.inspection import SourceProblem, TracedLayer
from tenfold.core.networks.ports import CatalogueEntry
from tenfold.core.networks.problems import NetworkProblem
from tenfold.core.training.run import Run
from tenfold.interfaces.api.present import read
from tenfold.interfaces.schemas import network_objects as objects
from tenfold.interfaces.schemas.requests import object_schema
from tenfold.services.inspections import Found
from tenfold.services.network_copies import Compared
from tenfold.services.network_texts import EditedText


def kept(network: networks.Network, *, origin: str, used_by: list[str] | None = None) -> objects.Network:
    """One that somebody keeps, as its current version is; `origin` is where it came from, in names of now."""
    return read(objects.Network, network, is_catalogue=False, origin=origin, used_by=used_by)


def shipped(entry: CatalogueEntry, meaning: Analysis) -> objects.Network:
    """One of the catalogue."""
    return objects.Network(**_of_catalogue(entry.name, entry.title, meaning))


def detail(
    found: networks.NamedText, meaning: Analysis, *, origin: str, used_by: list[str] | None
) -> objects.NetworkDetail:
    """One with its text."""
    is_custom = is_python(found.text)
    text: dict[str, Any] = {
        "text": found.text,
        "language": "python" if is_custom else "network",
        "parameters": object_schema(meaning.parameters),
        "problems": [] if is_custom else problems(meaning.problems),
        "warnings": problems(meaning.warnings),
    }
    if found.network is None or found.version is None:
        return objects.NetworkDetail(**_of_catalogue(found.name, found.title, meaning), paper=found.paper, **text)
    about: dict[str, Any] = {
        "title": found.title,
        "state": "draft" if found.version.num_parameters is None else "ready",
        "number": found.version.number,
        "num_parameters": found.version.num_parameters,
        "summary": found.version.summary,
        "used_by": used_by,
    }
    return read(objects.NetworkDetail, found.network, is_catalogue=False, origin=origin, **about, **text)


def _of_catalogue(name: str, title: str, meaning: Analysis) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "state": "ready" if meaning.ok else "draft",
        "owner": "",
        "created_at": 0.0,
        "changed_at": 0.0,
        "title": title,
        "is_catalogue": True,
        "num_parameters": meaning.graph.parameters if meaning.graph is not None else None,
    }


def version(network: networks.Network, entity: networks.NetworkVersion, runs: Iterable[Run]) -> objects.NetworkVersion:
    """A version with its runs."""
    return read(
        objects.NetworkVersion,
        entity,
        name=f"{network.name}@{entity.number}",
        state="current" if entity.id == network.current else "earlier",
        parent=entity.parent or "",
        runs=[objects.VersionRun(id=run.id, name=run.name, state=run.state, metrics=run.metrics) for run in runs],
    )


def look(meaning: Analysis) -> objects.NetworkLook:
    """What a text means."""
    graph = meaning.graph
    return objects.NetworkLook(
        name=meaning.name,
        title=meaning.title,
        problems=problems(meaning.problems),
        warnings=problems(meaning.warnings),
        parameters=object_schema(meaning.parameters),
        inputs=[objects.NetworkInput(name=each.name, kind=each.kind, shape=[*each.shape]) for each in meaning.inputs],
        layers=[_layer(node) for node in graph.nodes] if graph is not None else [],
        outputs=[output.name for output in graph.outputs] if graph is not None else [],
        num_parameters=graph.parameters if graph is not None else None,
        flops=graph.flops if graph is not None else None,
    )


def inspection(name: str, found: Found) -> objects.Inspection:
    """What is known of a network of Python."""
    seen, problem, confinement = found.inspection, found.problem, found.confinement
    about: dict[str, Any] = {"name": name, "state": found.state, "message": found.message}
    if problem is not None:
        about["problem"] = _source_problem(problem)
    if confinement is not None:
        about["confinement"] = objects.Confinement.model_validate(confinement.to_json())
    if seen is None:
        return objects.Inspection(**about)
    return objects.Inspection(
        **about,
        layers=[_source_layer(each) for each in seen.layers],
        num_layers=seen.num_layers,
        num_parameters=seen.num_parameters,
        input_shape=[*seen.input_shape],
        classes=seen.classes,
        parameters=object_schema(seen.fields()),
        why_not_traced=seen.why_not_traced,
        onnx=seen.onnx,
        why_not_onnx=_source_problem(seen.why_not_onnx) if seen.why_not_onnx is not None else None,
        warnings=[_source_problem(each) for each in seen.warnings],
    )


def _source_problem(problem: SourceProblem) -> objects.SourceProblem:
    return objects.SourceProblem(line=problem.line, message=problem.message)


def _source_layer(layer: TracedLayer) -> objects.SourceLayer:
    return objects.SourceLayer(
        path=layer.path,
        kind=layer.kind,
        line=layer.line,
        inputs=[*layer.inputs],
        shape=[*layer.shape],
        num_parameters=layer.parameters,
    )


def edited(after: EditedText) -> objects.EditedText:
    """A text after an operation."""
    return objects.EditedText(
        text=after.text,
        edits=[objects.TextEdit(start=edit.start, end=edit.end, text=edit.text) for edit in after.made.edits],
        renames=[objects.Rename(old=old, new=new) for old, new in after.made.renames],
        problems=problems(after.meaning.problems),
        warnings=problems(after.meaning.warnings),
    )


def compared(name: str, found: Compared) -> objects.NetworkDifference:
    """A network against another."""
    weights = found.found.weights
    return objects.NetworkDifference(
        name=name,
        against=found.source,
        lines=[objects.DifferentLine.model_validate(asdict(line)) for line in found.found.lines],
        layers=[
            objects.DifferentLayer(
                path=each.path,
                what=each.what,
                old=_layer(each.old) if each.old is not None else None,
                new=_layer(each.new) if each.new is not None else None,
            )
            for each in found.found.layers
        ],
        loaded=len(weights.loaded) if weights is not None else None,
        missing=[*weights.missing] if weights is not None else [],
        unfit=[each.path for each in weights.unfit] if weights is not None else [],
    )


def problems(found: Sequence[NetworkProblem]) -> list[objects.TextProblem]:
    """What is wrong with a text, or strange in it."""
    return [objects.TextProblem.model_validate(each.to_json()) for each in found]


def _layer(node: Node) -> objects.NetworkLayer:
    return objects.NetworkLayer(
        path=node.path,
        kind=node.kind,
        inputs=[*node.inputs],
        shape=[*node.shape],
        num_parameters=node.parameters,
        flops=node.flops,
    )
