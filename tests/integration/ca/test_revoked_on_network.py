"""Who was revoked at the authority transacts no more, once the channel knows its list."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.integration.ca.authority import Authority, transact
from tests.integration.exchange import CHAINCODE
from tests.prerequisites import meaningless

from gridledger.client import EndorseError, EvaluateError, Gateway
from gridledger.network import Network, World


async def test_revoked_identity_is_refused_by_the_network(
    authority: Authority, exchange_network: Network, world: World, tmp_path: Path
) -> None:
    if world is not World.FABRIC:
        meaningless(world, "its channel is not ours to change: --world fabric")
    network = exchange_network
    home = ("--org", "org1", "--dir", network.directory)
    users = {}
    for kept in (False, True):
        name, secret = await authority.registered()
        await authority.identity("enrol", name, "--secret-file", secret, *home)
        await transact(network, name)
        users[kept] = name
    crl = tmp_path / "crl.pem"
    await authority.managed("revoke", users[False], "--reason", "keycompromise", "--crl", crl)
    # The authority's word alone does not reach the peers.
    await transact(network, users[False])
    folder = network.organisation("org1").msp.path / "crls"
    folder.mkdir(exist_ok=True)
    shutil.copy(crl, folder / f"{users[False]}.pem")
    await authority.commands("network", "trust", "org1", "--dir", network.directory)
    with pytest.raises(EndorseError, match=r"(?i)revoked|access denied|creator"):
        await transact(network, users[False])
    connection = network.connection(org="org1", user=users[False], chaincode=CHAINCODE)
    async with Gateway.connect(connection) as gateway:
        with pytest.raises(EvaluateError):
            await gateway.network().contract(name="ledger").evaluate("ReadTimeMark")
    await transact(network, users[True])
