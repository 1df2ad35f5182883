"""What is going on in a council at one moment: who orders, who leads, the round, its reviews."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from gridledger.client import Block, Network
from gridledger.council.review_ledger import ReviewLedger
from gridledger.model.council_review import RoundView
from gridledger.model.errors import FieldValue
from gridledger.model.identifier import SystemIdentifier
from gridledger.network.errors import ConsentersUnnumbered
from gridledger.network.ordering.channel_configuration import ChannelConfiguration
from gridledger.network.ordering.live_ordering import LiveOrdering

__all__ = ["ConsenterView", "CouncilView", "read_council_view"]


@dataclass(frozen=True, kw_only=True)
class ConsenterView:
    """A consenter."""

    address: str
    msp_id: str
    height: int | None
    """Number of blocks; None if it does not answer."""
    is_leader: bool
    """Whether it led when the newest block was made."""


@dataclass(frozen=True, kw_only=True)
class CouncilView:
    """A council at one moment."""

    height: int
    """Number of the asked peer's blocks."""
    quorum: int | None
    """How many consenters have to sign a block; None where another consensus than SmartBFT orders."""
    consenters: tuple[ConsenterView, ...]
    """Empty where another consensus orders."""
    round: RoundView | None
    """The newest round; None where there is none."""

    def to_value(self) -> dict[str, FieldValue]:
        """Return it as JSON has it."""
        consenters: list[FieldValue] = [
            {
                "address": one.address,
                "organisation": one.msp_id,
                "height": one.height,
                "leads": one.is_leader,
            }
            for one in self.consenters
        ]
        reviews: list[FieldValue] = []
        shown: dict[str, FieldValue] = {"height": self.height, "quorum": self.quorum}
        shown["consenters"] = consenters
        if self.round is None:
            return shown | {"round": None, "reviews": reviews}
        known = self.round.round
        reviews += [
            {
                "id": one.signed.statement.id,
                "state": one.state.value,
                "holder": one.holder,
                "approvals": len(one.approvals or ()),
                "rejections": len(one.rejections or ()),
            }
            for one in self.round.requests
        ]
        about: dict[str, FieldValue] = {
            "number": known.number,
            "state": known.state.value,
            "master": known.master,
            "view": known.view,
            "nodes": len(known.nodes),
            "receipts": len(self.round.receipts),
        }
        return shown | {"round": about, "reviews": reviews}


async def read_council_view(network: Network, ordering: LiveOrdering, root: SystemIdentifier) -> CouncilView:
    """Look at a council.

    Parameters
    ----------
    network : Network
        The channel, as an identity that reads it.
    ordering : LiveOrdering
        The same channel's orderers.
    root : SystemIdentifier
        Whose council it is.

    Raises
    ------
    GatewayError
        If the peer does not answer.

    Notes
    -----
    One question to each consenter, all at once, and five to the peer.
    """
    ledger = ReviewLedger(network)
    configuration, newest, number = await asyncio.gather(
        _configuration(ordering), ordering.newest_block(), ledger.newest_round(root)
    )
    return CouncilView(
        height=newest.number + 1,
        quorum=None if configuration is None else configuration.quorum,
        consenters=() if configuration is None else await _consenters(ordering, configuration, newest),
        round=await ledger.round(root, number) if number else None,
    )


async def _configuration(ordering: LiveOrdering) -> ChannelConfiguration | None:
    try:
        return await ordering.configuration()
    except ConsentersUnnumbered:
        return None


async def _consenters(
    ordering: LiveOrdering, configuration: ChannelConfiguration, newest: Block
) -> tuple[ConsenterView, ...]:
    consenters = configuration.consenters
    heads = await asyncio.gather(*(ordering.head(one.address) for one in consenters))
    leader = configuration.leader(newest)
    return tuple(
        ConsenterView(
            address=one.address,
            msp_id=one.msp_id,
            height=None if head is None else head.number + 1,
            is_leader=one.address == leader,
        )
        for one, head in zip(consenters, heads, strict=True)
    )
