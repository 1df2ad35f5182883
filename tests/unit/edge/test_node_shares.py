"""What a storage node takes by a share is deposited, and stays through every sweep."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.edge.test_storage_node import LOST, NOW_S, OWN, signed

from gridledger.edge.envelope_store import EnvelopeStore
from gridledger.edge.errors import EnvelopeRefused
from gridledger.edge.messages import EnvelopeBody, ShareAsked, SharePart
from gridledger.edge.node_shares import NodeShares, content_of
from gridledger.model.digest import Digest
from gridledger.model.edge_sharing import Share, ShareContent, ShareRequest
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import NotFound

BODIES = (b"first", b"second")
DEPOSITS = {signed(body).statement.id: signed(body) for body in BODIES}


class Ledger:
    """A period's deposits, of which the asker's peer sees the last one later, and an admitted share."""

    def __init__(self) -> None:
        self.behind = 1
        request = ShareRequest(
            holder=OWN.id,
            asker=LOST.id,
            issuer=SystemIdentifier("88.1042.1"),
            period=1,
            purpose="backup",
            wanted_ms=3_600_000,
            made_ms=0,
            nonce="n" * 16,
        )
        self._share = Share(request=request, organisation="Org2MSP", policy_version=1, decided_ms=0)
        self.received: ShareContent | None = None

    async def share(self, share: str) -> Share:
        if share != self._share.request.id:
            raise NotFound("share", share)
        return self._share

    @property
    def id(self) -> str:
        return self._share.request.id

    async def deposits(self, _issuer: object, _period: int) -> AsyncIterator[Any]:
        seen, self.behind = len(DEPOSITS) - self.behind, 0
        for deposit in list(DEPOSITS)[:seen]:
            yield SimpleNamespace(deposit=deposit)

    async def deposit(self, deposit: str) -> Any:
        return SimpleNamespace(signed=DEPOSITS[deposit])

    async def deposit_share_receipt(self, _share: str, content: ShareContent) -> Share:
        self.received = content
        return self._share


class Holder:
    """A holder that hands bodies over one a part, in the order of their digests."""

    def __init__(self, *bodies: bytes) -> None:
        self._bodies = {Digest.of(body): body for body in bodies}

    async def call(self, _server: str, _path: str, asked: ShareAsked, **_: Any) -> Any:
        left = sorted(digest for digest in self._bodies if str(digest) > asked.after)
        part = SharePart(
            granted=content_of(self._bodies),
            envelopes=tuple(EnvelopeBody(envelope=self._bodies[digest]) for digest in left[:1]),
            is_last=len(left) <= 1,
        )
        return SimpleNamespace(value=part)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EnvelopeStore]:
    with EnvelopeStore(tmp_path / "asker.db", clock=lambda: NOW_S) as store:
        yield store


async def test_shared_envelopes_are_kept_under_their_deposits(store: EnvelopeStore) -> None:
    ledger: Any = Ledger()
    asker = NodeShares(Holder(*BODIES), ledger, LOST, store)  # type: ignore[arg-type]
    await asker.take(OWN, ledger.id)
    assert ledger.received == content_of(map(Digest.of, BODIES))
    assert [store.read(Digest.of(body)) for body in BODIES] == list(BODIES)
    assert store.unsettled(2**53) == []


async def test_envelope_that_nobody_deposited_is_not_taken(store: EnvelopeStore) -> None:
    ledger: Any = Ledger()
    asker = NodeShares(Holder(*BODIES, b"never deposited"), ledger, LOST, store)  # type: ignore[arg-type]
    with pytest.raises(EnvelopeRefused):
        await asker.take(OWN, ledger.id)
    assert not store.has(Digest.of(b"never deposited"))
    assert ledger.received is None
