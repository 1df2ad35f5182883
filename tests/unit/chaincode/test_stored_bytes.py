"""Whatever stands on the ledger stands there as canonical JSON."""

from __future__ import annotations

from tests.unit.chaincode.scene import Scene
from tests.unit.chaincode.trading import placed

from gridledger.model.canonical import canonical_bytes, parse_canonical
from gridledger.model.record import record_types


async def test_every_stored_record_is_canonical(scene: Scene) -> None:
    await placed(scene)
    found = set()
    for data in scene.peer.ledger.state.values():
        document = parse_canonical(data)
        assert isinstance(document, dict)
        assert canonical_bytes(document) == data
        found.add(document["schema"])
    assert found <= record_types().keys()
    assert {"system/1", "device/1", "field/1", "resolution/1", "order/1", "hold/1"} <= found
