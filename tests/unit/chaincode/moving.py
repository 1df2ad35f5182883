"""What tests of moves share: a meter gets another own code, or its owner another prefix."""

from __future__ import annotations

from tests.unit.chaincode.scene import METER, Scene

from gridledger.model.change import DeviceMove
from gridledger.model.identifier import DeviceIdentifier, SystemIdentifier

__all__ = ["NEW_CODE", "OWNER", "change_prefix", "rename"]

OWNER = "monitoring"
NEW_CODE = "MTR-27-A"


async def rename(scene: Scene) -> DeviceIdentifier:
    """Give the owner's device another own code."""
    system = scene.systems[OWNER]
    move = DeviceMove(device=system.device(METER), to=system.device(NEW_CODE))
    (result,) = await scene.owners[OWNER].once("registry:MoveDevices", system, (move,))
    assert result.accepted, result
    return move.to


async def change_prefix(scene: Scene) -> SystemIdentifier:
    """Give the owner another prefix, and bring its device below it."""
    old = scene.systems[OWNER]
    new: SystemIdentifier = (await scene.auditor.submit("registry:ChangePrefix", old)).identifier
    move = DeviceMove(device=old.device(METER), to=new.device(METER))
    (result,) = await scene.owners[OWNER].once("registry:MoveDevices", old, (move,))
    assert result.accepted, result
    return new
