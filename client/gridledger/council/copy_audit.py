"""Looking for the copies of a round: hashes on every organisation's peer, and keys that should be gone."""

from __future__ import annotations

from collections.abc import Sequence

from gridledger.council.council_ledger import CouncilLedger
from gridledger.council.review_ledger import ReviewLedger
from gridledger.council.round_key_store import RoundKeyStore
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
    """Hashes that peers were asked for, and values that the caller's own peer was."""
    unreachable: tuple[str, ...]
    """Organisations whose peers did not answer: nothing is said of them."""
    problems: tuple[str, ...]
    """What stands where nothing should."""


async def audit_round(
    ledger: ReviewLedger,
    council: CouncilLedger,
    view: RoundView,
    *,
    organisation: str,
    keys: Sequence[RoundKeyStore] = (),
) -> AuditFinding:
    """Ask each organisation's peer for hashes of all copies of a round, and the own peer for their values.

    Parameters
    ----------
    ledger : ReviewLedger
        The caller's: values are asked of its own organisation's peer, which has those of its own alone.
    council : CouncilLedger
        The caller's.
    view : RoundView
        The round.
    organisation : str
        The caller's MSP.
    keys : sequence of RoundKeyStore, optional
        Folders of super nodes that the caller can look into.

    Returns
    -------
    AuditFinding

    Notes
    -----
    As many questions as requests times super nodes times one more than organisations. A peer answers for
    itself: one that lies hides what it has, and its receipt stands against it once that comes out.
    """
    organisations: dict[str, str] = {}
    for one in view.round.nodes:
        organisations[one] = (await council.candidate(one)).organisation
    asked, problems, unreachable = 0, list[str](), set[str]()
    for request in view.requests:
        name = request.signed.statement.id
        for one in view.round.nodes:
            for asked_one in sorted(set(organisations.values()) - unreachable):
                try:
                    found = await ledger.copy_hash(name, one, organisation=asked_one)
                except GatewayError:
                    unreachable.add(asked_one)
                    continue
                asked += 1
                if found:
                    problems.append(f"{asked_one} has a hash of the copy of {one} for {name}")
            if organisations[one] != organisation:
                continue
            asked += 1
            if await ledger.copy(name, one):
                problems.append(f"the own peer has the copy of {one} for {name}")
    for store in keys:
        if store.has(view.round.number):
            problems.append(f"{store.folder} has a key of round {view.round.number}")
    return AuditFinding(
        round=view.round.number,
        asked=asked,
        unreachable=tuple(sorted(unreachable)),
        problems=tuple(problems),
    )
