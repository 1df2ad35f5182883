"""Numbers below a root: which prefixes may be founded, and which one is given next."""

from __future__ import annotations

from gridledger.chaincode.ledger_key import sequence_key, system_key
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AccessDenied, LimitExceeded
from gridledger.model.system import Sequence
from gridledger.shim import Context

__all__ = ["check_root", "take_number"]

MAX_TAKEN = 64
"""Numbers in a row that are passed over because somebody founded a root there before this one."""


async def check_root(ctx: Context, root: SystemIdentifier) -> None:
    """Refuse a root below a prefix that is somebody's: its platform gives the numbers there.

    Raises
    ------
    AccessDenied
        Otherwise whoever founds `88.1042.9` makes money for the account that `88.1042` opens one day.
    """
    above: list[SystemIdentifier] = []
    parent = root.parent
    while parent is not None:
        above.append(parent)
        parent = parent.parent
    for row in await ctx.get_many([system_key(one) for one in above]):
        if row is not None:
            raise AccessDenied(f"{root} stands below {row.identifier}, whose platform gives its numbers")


async def take_number(ctx: Context, root: SystemIdentifier) -> SystemIdentifier:
    """Return the next free prefix below a root, and write that it is taken.

    Raises
    ------
    LimitExceeded
        The next 64 numbers are roots that were founded before this one.

    Notes
    -----
    One read more for each number that is passed over: a root that stood there first keeps it.
    """
    last = (await ctx.require(sequence_key(root))).last
    for number in range(last + 1, last + 1 + MAX_TAKEN):
        identifier = root.child(number)
        if await ctx.get(system_key(identifier)) is None:
            await ctx.put(sequence_key(root), Sequence(last=number))
            return identifier
    raise LimitExceeded("numbers that are taken", limit=MAX_TAKEN, actual=MAX_TAKEN + 1)
