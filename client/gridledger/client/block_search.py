"""What makers and checkers of proofs look for in blocks."""

from __future__ import annotations

from gridledger.client.block import Block, BlockTransaction
from gridledger.client.block_proof import configuration_of, make_block_proof
from gridledger.client.channel_trust import ConfiguredTrust
from gridledger.client.errors import ProofRefused
from gridledger.client.network import Network
from gridledger.model.proof import BlockProof

__all__ = ["configurations_of", "transaction_of"]


async def configurations_of(network: Network, block: Block) -> tuple[ConfiguredTrust, tuple[BlockProof, ...]]:
    """Return the configuration in force at a block, and the proofs of how it came about.

    Notes
    -----
    Asks for one block per configuration of the channel.
    """
    found: list[Block] = []
    number = configuration_of(block)
    while number > 0:
        found.append(await network.block(number))
        number = configuration_of(await network.block(number - 1))
    first = await network.block(0)
    trust = ConfiguredTrust.from_block(first.to_bytes())
    proofs: list[BlockProof] = []
    for one in reversed(found):
        proofs.append(make_block_proof(one, trust))
        trust = trust.follow(one.number, one.transactions[0].envelope)
    return trust, tuple(proofs)


def transaction_of(block: Block, tx_id: str) -> BlockTransaction:
    """Return a transaction of a block; ProofRefused where it is not there once."""
    found = [one for one in block.transactions if one.tx_id == tx_id]
    if len(found) != 1:
        raise ProofRefused(f"block {block.number} does not hold transaction {tx_id}")
    return found[0]
