"""The association graph as data: identities, devices, systems and fields, and what ties them together.

Source: CN112508707B, [0077] (the data about one device become a chain by way of the device).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from gridledger.model.association import AssociationCandidate
from gridledger.model.catalogue import Association
from gridledger.model.record import ModelValue, value
from gridledger.model.states import CandidateState

__all__ = ["AssociationGraph", "EdgeKind", "GraphEdge", "GraphNode", "NodeKind", "graph_of", "to_dot"]


class NodeKind(StrEnum):
    """What a node is."""

    IDENTITY = "identity"
    SYSTEM = "system"
    DEVICE = "device"
    FIELD = "field"


class EdgeKind(StrEnum):
    """What ties two nodes together, from the first to the second."""

    MANAGES = "manages"
    """System and device."""
    KNOWN_AS = "known-as"
    """Device and identity: an association catalogue has it."""
    SHARES = "shares"
    """Device and field."""
    RIVALS = "rivals"
    """Field and field: two systems share the same."""
    MAY_BE = "may-be"
    """Device and device: a candidate that is not decided."""


@value
class GraphNode(ModelValue):
    """A node."""

    id: str
    """Identifier, or scheme and value of an identity: unique in the graph."""
    kind: NodeKind


@value
class GraphEdge(ModelValue):
    """An edge."""

    source: str
    target: str
    kind: EdgeKind


@value
class AssociationGraph(ModelValue):
    """A graph, or a page of one: nodes that several pages share stand in each."""

    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]


def graph_of(
    associations: Iterable[Association], candidates: Iterable[AssociationCandidate] = ()
) -> AssociationGraph:
    """Return the graph of association catalogues and of candidates that are not decided.

    Notes
    -----
    Linear in the number of members and their fields; rivals are paired with the first of their name. Nodes
    and edges stand in the order in which the catalogues name them, each once.
    """
    nodes: dict[str, GraphNode] = {}
    edges: dict[GraphEdge, None] = {}

    def node(identifier: object, kind: NodeKind) -> str:
        text = str(identifier)
        nodes.setdefault(text, GraphNode(id=text, kind=kind))
        return text

    def edge(source: str, target: str, kind: EdgeKind) -> None:
        edges[GraphEdge(source=source, target=target, kind=kind)] = None

    for association in associations:
        identity = node(association.identity, NodeKind.IDENTITY)
        first_of_name: dict[str, str] = {}
        for member in association.members:
            device = node(member.device, NodeKind.DEVICE)
            edge(node(member.device.system, NodeKind.SYSTEM), device, EdgeKind.MANAGES)
            edge(device, identity, EdgeKind.KNOWN_AS)
            for name in member.fields:
                field = node(member.device.field(name), NodeKind.FIELD)
                edge(device, field, EdgeKind.SHARES)
                if name in (association.conflicts or ()) and first_of_name.setdefault(name, field) != field:
                    edge(first_of_name[name], field, EdgeKind.RIVALS)
    for candidate in candidates:
        if candidate.state is CandidateState.PROPOSED:
            pair = candidate.devices
            ends = [node(one, NodeKind.DEVICE) for one in (pair.first, pair.second)]
            for one, end in zip((pair.first, pair.second), ends, strict=True):
                edge(node(one.system, NodeKind.SYSTEM), end, EdgeKind.MANAGES)
            edge(ends[0], ends[1], EdgeKind.MAY_BE)
    return AssociationGraph(nodes=tuple(nodes.values()), edges=tuple(edges))


_SHAPES = {
    NodeKind.IDENTITY: "diamond",
    NodeKind.SYSTEM: "house",
    NodeKind.DEVICE: "box",
    NodeKind.FIELD: "ellipse",
}
_STYLES = {EdgeKind.MAY_BE: "dashed", EdgeKind.RIVALS: "bold"}


def to_dot(graph: AssociationGraph) -> str:
    """Return a graph in the language DOT of Graphviz.

    Examples
    --------
    >>> node = GraphNode(id="plant=R27", kind=NodeKind.IDENTITY)
    >>> print(to_dot(AssociationGraph(nodes=(node,), edges=())))
    digraph association {
      "plant=R27" [shape=diamond];
    }
    """
    lines = [f"  {_quoted(one.id)} [shape={_SHAPES[one.kind]}];" for one in graph.nodes]
    for one in graph.edges:
        style = f", style={_STYLES[one.kind]}" if one.kind in _STYLES else ""
        ends = f"{_quoted(one.source)} -> {_quoted(one.target)}"
        lines.append(f"  {ends} [label={_quoted(one.kind.value)}{style}];")
    return "\n".join(["digraph association {", *lines, "}"])


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
