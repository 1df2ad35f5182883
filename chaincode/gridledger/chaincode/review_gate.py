"""The gate of reviews: what a policy wants reviewed does not count before the council has approved it.

Source: Luo and Jin, section 3, consensus layer: super nodes agree on new data and on requests for access.
"""

from __future__ import annotations

from collections.abc import Iterable

from gridledger.chaincode.round_key import approval_key
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lake_refusals import NotReviewed
from gridledger.shim import Context

__all__ = ["require_approved"]


async def require_approved(ctx: Context, root: SystemIdentifier, subjects: Iterable[str]) -> None:
    """Refuse unless the council of a root has approved everything that is named.

    Parameters
    ----------
    ctx : Context
    root : SystemIdentifier
        Whose council is asked: that of the dataset's owner.
    subjects : iterable of str
        Ids of access requests, digests of versions' statements.

    Raises
    ------
    NotReviewed
        The council rejected one, has not decided it, or was never asked.
    """
    names = list(subjects)
    approvals = await ctx.get_many([approval_key(root, name) for name in names])
    for name, approval in zip(names, approvals, strict=True):
        if approval is None:
            raise NotReviewed(name)
