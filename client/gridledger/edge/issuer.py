"""An issuer: it gives every side device the same number of membership keys of a period.

Source: Zeng et al., figure 3; CryptoNote 2.0, section 4.3.
"""

from __future__ import annotations

import secrets
from typing import Final

from gridledger.crypto.cryptonote.keys import (
    derive_public_key,
    derive_view_tag,
    generate_key_derivation,
    secret_key_to_public_key,
)
from gridledger.crypto.cryptonote.signing import random_scalar
from gridledger.edge.edge_ledger import EdgeLedger
from gridledger.model.edge import IssueEntry, MembershipPeriod, PublishedAddress
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AlreadyExists

__all__ = ["BATCH_KEYS", "issue_period", "make_batch"]

BATCH_KEYS: Final = 500
"""Keys that the contract takes at once."""


async def issue_period(
    ledger: EdgeLedger,
    issuer: SystemIdentifier,
    number: int,
    *,
    keys_per_device: int,
    ring_size: int,
    envelope_bytes: int,
    starts_ms: int,
    ends_ms: int,
) -> MembershipPeriod:
    """Plan a period for all side devices of an issuer, issue its keys, and open it.

    Parameters
    ----------
    ledger : EdgeLedger
        As the issuer's agent.
    issuer : SystemIdentifier
    number : int
        The period's.
    keys_per_device : int
        How many messages each device may send in it.
    ring_size, envelope_bytes : int
        What all messages of the period have in common.
    starts_ms, ends_ms : int
        When messages are deposited.

    Returns
    -------
    MembershipPeriod
        Open.

    Raises
    ------
    NotFound
        The issuer has no side devices.
    PeriodClosed, AlreadyExists
        The number is taken.

    Notes
    -----
    Keys stand in rounds of one key of each device, each round in an order that is drawn: places say nothing
    about devices, except to the issuer, who forgets it with the call. What it could have kept is which device
    each key belongs to; which key signed a message, it cannot find out. A period that was interrupted is
    planned anew, under another number.
    """
    devices = await ledger.side_devices(issuer)
    period = await ledger.plan_period(
        MembershipPeriod(
            issuer=issuer,
            number=number,
            devices=max(1, len(devices)),
            keys_per_device=keys_per_device,
            ring_size=ring_size,
            envelope_bytes=envelope_bytes,
            starts_ms=starts_ms,
            ends_ms=ends_ms,
            planned_ms=starts_ms,
        )
    )
    addresses: list[PublishedAddress] = []
    for _ in range(keys_per_device):
        addresses += secrets.SystemRandom().sample([one.entry.address for one in devices], len(devices))
    for first in range(0, len(addresses), BATCH_KEYS):
        batch = make_batch(first, addresses[first : first + BATCH_KEYS])
        try:
            await ledger.issue_keys(issuer, number, batch)
        except AlreadyExists:  # The answer of an earlier attempt was lost: its keys stand there.
            continue
    opened = await ledger.open_period(issuer, number)
    return opened if opened.opened_ms is not None else period


def make_batch(first: int, addresses: list[PublishedAddress]) -> IssueEntry:
    """Derive a one-time key at each address, all with one transaction key.

    Parameters
    ----------
    first : int
        Place of the first key.
    addresses : list of PublishedAddress
        Of the key at each place; an address may stand there more than once.
    """
    secret = random_scalar()
    keys, tags = [], bytearray()
    for index, address in enumerate(addresses):
        derivation = generate_key_derivation(address.view_key, secret)
        keys.append(derive_public_key(derivation, index, address.spend_key))
        tags += derive_view_tag(derivation, index)
    return IssueEntry(
        first=first, origin=secret_key_to_public_key(secret), keys=tuple(keys), view_tags=bytes(tags)
    )
