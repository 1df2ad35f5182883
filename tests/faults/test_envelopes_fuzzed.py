"""10,000 envelopes that are almost right, given to contract and storage node: refused, never a defect."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from tests.faults.envelope_fuzzer import fuzz
from tests.unit.chaincode.edge_scene import EdgeScene, node_id
from tests.unit.chaincode.scene import Scene
from tests.unit.web.conftest import Authority, Clock, signer_of

from gridledger.chaincode import GridLedger
from gridledger.edge import EnvelopeStore, StorageNodeServer
from gridledger.edge.messages import ENVELOPES_PATH, OfferedEnvelope
from gridledger.model.digest import Digest
from gridledger.model.edge_refusals import RingSignatureRefused
from gridledger.model.envelope import EnvelopeDeposit, SignedEnvelope
from gridledger.model.errors import ContractError
from gridledger.model.refusals import DefectInContract
from gridledger.shim.testing import MemoryPeer
from gridledger.web import Authorities, MemoryReplayStore

FUZZED = 10_000
A_MESSAGE = 100
"""Changes of one message; then another one is signed."""
BODY = bytes(range(256))
ORIGIN = "http://node.example"

pytestmark = pytest.mark.timeout(3600)


class Ledger:
    """The contract in memory, as a storage node's agent calls it."""

    def __init__(self, edge: EdgeScene) -> None:
        self._edge = edge

    async def deposit_envelope(self, signed: SignedEnvelope) -> EnvelopeDeposit:
        made: EnvelopeDeposit = await self._edge.node.submit("edge:DepositEnvelope", signed)
        return made

    async def deposit(self, deposit: str) -> EnvelopeDeposit:
        made: EnvelopeDeposit = await self._edge.node.ask("edge:GetEnvelopeDeposit", deposit)
        return made

    async def nodes(self, _root: object) -> list[Any]:
        return [await self._edge.node.ask("edge:GetNode", node_id(self._edge.node))]


def node_app(edge: EdgeScene, node: Any, store: EnvelopeStore) -> Any:
    """Return a storage node's application on the contract in memory."""
    authority = Authority("Org1MSP")
    party: Any = SimpleNamespace(
        network=SimpleNamespace(contract=lambda *_: None),
        signer=signer_of(authority.member("node"), Clock(), "Org1MSP"),
        authorities=Authorities({"Org1MSP": [authority.certificate]}),
    )
    server = StorageNodeServer(party, node, store, factor=1)
    server.ledger = server.group._ledger = Ledger(edge)  # type: ignore[assignment]
    return server.service(MemoryReplayStore()).app([ORIGIN])


def offered(edge: EdgeScene, chance: random.Random) -> OfferedEnvelope:
    signed = edge.sign(chance.randrange(len(edge.secrets)), envelope=Digest.of(BODY))
    return OfferedEnvelope(signed=signed, envelope=BODY)


async def test_fuzzed_envelope_is_refused_by_contract_and_node(
    share: float, chance: random.Random, tmp_path: Path
) -> None:
    codes = Counter[str]()
    async with MemoryPeer(GridLedger()) as peer:
        edge = await EdgeScene.make(Scene.on(peer))
        node = await edge.node.ask("edge:GetNode", node_id(edge.node))
        before = dict(peer.ledger.state)
        with EnvelopeStore(tmp_path / "node.db") as store:
            transport = httpx.ASGITransport(app=node_app(edge, node, store))
            async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
                for number in range(math.ceil(FUZZED * share)):
                    if number % A_MESSAGE == 0:
                        right = offered(edge, chance)
                    message = fuzz(right.signed.to_bytes(), chance)
                    with pytest.raises(ContractError) as caught:
                        await edge.node.commit("edge:DepositEnvelope", message)
                    assert not isinstance(caught.value, DefectInContract), message
                    codes[caught.value.code] += 1

                    body = fuzz(right.to_bytes(), chance)
                    answer = await client.post(
                        ENVELOPES_PATH, content=body, headers={"content-type": "application/json"}
                    )
                    code = json.loads(answer.content).get("code")
                    assert 400 <= answer.status_code < 500, (body, answer.content)
                    assert code not in (None, DefectInContract.code), (body, answer.content)
                    codes[code] += 1
                assert len(store) == 0
                assert peer.ledger.state == before
                # What was changed was right before.
                good = await client.post(
                    ENVELOPES_PATH, content=right.to_bytes(), headers={"content-type": "application/json"}
                )
                assert good.status_code == 200, good.content
    print(f"refusals by code: {dict(sorted(codes.items()))}")
    assert RingSignatureRefused.code in codes
