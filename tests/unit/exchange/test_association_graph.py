"""The association graph: nodes and edges once each, and DOT that nothing breaks out of."""

from __future__ import annotations

from gridledger.exchange.association_graph import (
    AssociationGraph,
    EdgeKind,
    GraphEdge,
    GraphNode,
    NodeKind,
    graph_of,
    to_dot,
)
from gridledger.model.association import AssociationCandidate, DevicePair
from gridledger.model.catalogue import Association, AssociationMember
from gridledger.model.device import DeclaredIdentity
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.states import CandidateState, Doubt

ROOT = SystemIdentifier("88.1042")
ONE, TWO = ROOT.child(1).device("INV01"), ROOT.child(2).device('I"1')
PLANT = DeclaredIdentity(scheme="plant", value="P1")


def association(*, conflicts: tuple[str, ...] | None = None) -> Association:
    members = tuple(AssociationMember(device=device, fields=("brand",)) for device in (ONE, TWO))
    return Association(
        root=ROOT, identity=PLANT, members=members, revision=1, deposited_ms=1, conflicts=conflicts
    )


def candidate(state: CandidateState) -> AssociationCandidate:
    return AssociationCandidate(
        root=ROOT,
        devices=DevicePair.of(TWO, ONE),
        identity=PLANT,
        doubt=Doubt.SIMILAR,
        state=state,
        confirmed_by=(),
        proposed_ms=1,
    )


def test_graph_has_every_node_and_edge_once() -> None:
    graph = graph_of([association(), association()])

    assert len(graph.nodes) == len({node.id for node in graph.nodes}) == 7
    assert len(graph.edges) == len(set(graph.edges)) == 6
    assert GraphEdge(source=str(ONE), target="plant=P1", kind=EdgeKind.KNOWN_AS) in graph.edges


def test_graph_ties_rivals_and_candidates() -> None:
    graph = graph_of([association(conflicts=("brand",))], [candidate(CandidateState.PROPOSED)])

    rivals = GraphEdge(source=f"{ONE}#brand", target=f"{TWO}#brand", kind=EdgeKind.RIVALS)
    assert rivals in graph.edges
    assert GraphEdge(source=str(ONE), target=str(TWO), kind=EdgeKind.MAY_BE) in graph.edges


def test_graph_leaves_out_candidates_that_are_decided() -> None:
    for state in (CandidateState.CONFIRMED, CandidateState.REJECTED):
        assert graph_of([], [candidate(state)]) == AssociationGraph(nodes=(), edges=())


def test_dot_quotes_what_could_end_a_name() -> None:
    text = to_dot(AssociationGraph(nodes=(GraphNode(id='a"]; b\\', kind=NodeKind.FIELD),), edges=()))

    assert text.splitlines()[1] == '  "a\\"]; b\\\\" [shape=ellipse];'
