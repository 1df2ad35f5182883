"""Looking for the copies of a round: hashes and values on peers, and keys that should be gone."""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.council.review_ledger import ReviewLedger
from gridledger.council.round_key_store import RoundKeyStore
from gridledger.model.council import CandidateId
from gridledger.model.council_review import RoundView
from gridledger.model.council_round import RoundNumber
from gridledger.model.errors import GatewayError
from gridledger.model.record import ModelValue, value

__all__ = ["AuditFinding", "audit_round"]


@value
class AuditFinding(ModelValue):
    """What an audit of a round found."""

    round: RoundNumber
    asked: int
    """Hashes and values that peers were asked for."""
    unreachable: tuple[str, ...]
    """Organisations whose peers did not answer: nothing is said of them."""
    problems: tuple[str, ...]
    """What stands where nothing should."""
    contradicted: tuple[CandidateId, ...] = ()
    """Super nodes whose deletion receipts say otherwise, sorted: each has signed what is not so."""


async def audit_round(
    ledger: ReviewLedger, view: RoundView, *, keys: Sequence[RoundKeyStore] = ()
) -> AuditFinding:
    """Look for the copies of a round: hashes on every organisation's peer, values on each node's own.

    Parameters
    ----------
    ledger : ReviewLedger
        The caller's: any member of the channel may ask any organisation's peer.
    view : RoundView
        The round.
    keys : sequence of RoundKeyStore, optional
        Folders of super nodes that the caller can look into.

    Returns
    -------
    AuditFinding

    Notes
    -----
    As many questions as requests times super nodes times one more than organisations. A peer answers for
    itself: one that lies hides what it has, and its receipt stands against it once that comes out. Whose key
    a folder has is told by the key that its super node entered the round with.
    """
    audit = _Audit(ledger)
    organisations = {one: await ledger.organisation_of(one) for one in view.round.nodes}
    for request in view.requests:
        for node, own in organisations.items():
            for asked in sorted(set(organisations.values())):
                await audit.ask(
                    request.signed.statement.id, node, organisation=asked, has_values=asked == own
                )
    number = view.round.number
    owners = {one.entry.key: one.node for one in view.entries}
    for store in keys:
        if store.has(number):
            owner = owners.get(store.draw(number).public.raw)
            audit.found(f"{store.folder} has a key of round {number}", owner)
    gave = {one.receipt.node for one in view.receipts}
    return AuditFinding(
        round=number,
        asked=audit.asked,
        unreachable=tuple(sorted(audit.unreachable)),
        problems=tuple(audit.problems),
        contradicted=tuple(sorted(audit.holders & gave)),
    )


class _Audit:
    """What was asked and found so far."""

    def __init__(self, ledger: ReviewLedger) -> None:
        self._ledger = ledger
        self.asked = 0
        self.unreachable = set[str]()
        self.problems = list[str]()
        self.holders = set[str]()

    async def ask(self, request: str, node: str, *, organisation: str, has_values: bool) -> None:
        """Ask an organisation's peer for the hash of a copy, and for its value where it would have that."""
        if organisation in self.unreachable:
            return
        try:
            found = await self._ledger.copy_hash(request, node, organisation=organisation)
            self.asked += 1
            if found:
                holder = node if has_values else None
                self.found(f"{organisation} has a hash of the copy of {node} for {request}", holder)
            if has_values:
                value = await self._ledger.copy(request, node, organisation=organisation)
                self.asked += 1
                if value:
                    self.found(f"{organisation} has the copy of {node} for {request}", node)
        except GatewayError:
            self.unreachable.add(organisation)

    def found(self, problem: str, holder: str | None) -> None:
        """Note what stands where nothing should, and whose it is."""
        self.problems.append(problem)
        self.holders.update([] if holder is None else [holder])
