"""Finds layers that no output depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tenfold.core.networks.graph import GraphOutput, Node
from tenfold.core.networks.source import Span


def dead_statements(
    nodes: Sequence[Node], outputs: Iterable[GraphOutput], statements: Mapping[str, Span]
) -> list[tuple[Span, str]]:
    """Statements none of whose nodes has an effect on an output, each with the path of its first node."""
    live = {output.source for output in outputs}
    for node in reversed(nodes):
        if node.path in live:
            live.update(node.inputs)
    live_spans = {statements[node.path] for node in nodes if node.path in live}
    dead: dict[Span, str] = {}
    for node in nodes:
        if statements[node.path] not in live_spans:
            dead.setdefault(statements[node.path], node.path)
    return list(dead.items())
