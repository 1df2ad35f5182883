"""What all registrations have in common: how they end, and the size of their lists' pages."""

from __future__ import annotations

from typing import Final

from gridledger.chaincode.charging import charge
from gridledger.model.events import Event
from gridledger.model.fee import FeeKind
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import ModelValue
from gridledger.shim import Context

__all__ = ["PAGE_SIZE", "complete_registration"]

PAGE_SIZE: Final = 200
"""Devices or fields a page: some 100 KB."""

_FEES: Final = {
    Event.SYSTEM_REGISTERED: FeeKind.SYSTEM_REGISTRATION,
    Event.DEVICES_REGISTERED: FeeKind.DEVICE_REGISTRATION,
    Event.FIELDS_REGISTERED: FeeKind.FIELD_REGISTRATION,
}


async def complete_registration(
    ctx: Context, system: SystemIdentifier, event: Event, notice: ModelValue, *, count: int = 1
) -> None:
    """End a registration: say what was registered.

    Parameters
    ----------
    ctx : Context
    system : SystemIdentifier
        The system that was registered, or whose identifiers were.
    event : Event
    notice : ModelValue
        The event's payload.
    count : int, default 1
        Number of identifiers: 1 for a system, the accepted items of a batch.

    Notes
    -----
    Every registration (of a system, of devices, of fields) passes here once, when all its records are
    written; what a registration costs is charged here.
    """
    kind, root = _FEES.get(event), system.parent
    if kind is not None and root is not None:
        await charge(ctx, root, system, kind, count=count)
    ctx.emit(event, notice)
