"""Each call that docs/integrating.md tells hfc's users to make, as it stands there."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.ca.stand_in import ADMIN, ADMIN_SECRET, StandInCa
from tests.integration.exchange import CHAINCODE

from gridledger import client
from gridledger.client.ca import CaAddress, FabricCa, Registration
from gridledger.client.private_key import new_private_key, open_private_key
from gridledger.model.refusals import UnknownFunction
from gridledger.network import Network

TEXT = (Path(__file__).parents[2] / "docs/integrating.md").read_text()
CELLS = re.findall(
    r"^\| `[^|]*` \| `([^|]*)` \|$", TEXT.split("## From fabric-sdk-py")[1].split("\n## ")[0], re.MULTILINE
)


async def run(call: str, names: dict[str, Any]) -> Any:
    """Evaluate an expression, which may wait."""
    code = compile(call, "docs/integrating.md", "eval", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    found = eval(code, names)  # noqa: S307
    return await found if inspect.iscoroutine(found) else found


@pytest.fixture(scope="session")
async def names(
    exchange_network: Network, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, Any]]:
    """Return what the names in the table stand for."""
    folder = tmp_path_factory.mktemp("hfc-table")
    connection = exchange_network.connection(org="org1", user="user1", chaincode=CHAINCODE)
    user = exchange_network.organisation("org1").user("user1").msp
    path = folder / "network.json"
    path.write_text(json.dumps(_profile(connection)))
    profile = client.ConnectionProfile.from_file(path)
    (folder / "user1").mkdir()
    (folder / "user1" / "private_sk").write_bytes(user.key.read_bytes())
    (folder / "user1" / "enrollmentCert.pem").write_bytes(user.certificate.read_bytes())
    admin = exchange_network.connection(org="org1", user="admin", chaincode=CHAINCODE)
    stand_in = StandInCa(exchange_network.organisation("org1").signing_authority())
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(client.Gateway.connect(connection))
        peer = await stack.enter_async_context(client.Peer.connect(admin))
        address = CaAddress(url="http://127.0.0.1:7054")
        ca = await stack.enter_async_context(FabricCa.open(address, transport=stand_in.transport()))
        network = gateway.network()
        contract = network.contract(name="ledger")
        done = await contract.transact("CancelCall", "hfc-table-first")
        key = new_private_key()
        registrar = ca.speaker(
            (await ca.enrol(ADMIN, ADMIN_SECRET, open_private_key(key))).credentials("O", key)
        )
        yield {
            **vars(client),
            **{name: getattr(client, name) for name in client.__all__},
            "path": path,
            "folder": folder,
            "profile": profile,
            "org": "org1",
            "name": "user1",
            "channel": exchange_network.channel,
            "chaincode": CHAINCODE,
            "msp_id": "Org1MSP",
            "gateway": gateway,
            "network": network,
            "contract": contract,
            "peer": peer,
            "ca": ca,
            "block": 0,
            "number": 0,
            "tx_id": done.tx_id,
            "organizations": ["Org1MSP", "Org2MSP"],
            "values": {"a": b"b"},
            "registrar": registrar,
            "signer": open_private_key(key),
            "key": key,
            "credentials": client.HfcWallet(folder, msp_id="Org1MSP").get("user1"),
        }


def _profile(connection: client.Connection) -> dict[str, Any]:
    entry = {
        "mspid": connection.msp_id,
        "peers": ["peer0"],
        "users": {"user1": {"cert": str(connection.certificate), "private_key": str(connection.private_key)}},
    }
    node = {
        "url": f"grpcs://{connection.endpoint}",
        "grpcOptions": {"ssl-target-name-override": connection.tls_host_override},
        "tlsCACerts": {"path": str(connection.tls_root_cert)},
    }
    return {"client": {"organization": "org1"}, "organizations": {"org1": entry}, "peers": {"peer0": node}}


@pytest.mark.parametrize("call", CELLS)
async def test_call_of_the_table_works(names: dict[str, Any], call: str) -> None:
    own = dict(names)
    if "contract." in call:
        own |= {"function": "CancelCall", "arguments": [f"hfc-table-{CELLS.index(call)}"]}
    if "contract.evaluate" in call:
        own |= {"function": "ReadTimeMark", "arguments": []}
    if "submit_once" in call:
        # Functions with a call key are business ones: that the contract refuses shows that it was asked.
        own |= {"contract": own["network"].contract(name="registry"), "function": "None", "arguments": []}
        with pytest.raises(UnknownFunction):
            await run(call, own)
        return
    if "ca." in call:
        own |= await _registered(own, call)
    if call.startswith("Wallet"):
        own["folder"] = own["folder"] / "ours"
    found = await run(call, own)
    if "_events(" in call:
        async with found as events:
            async for _ in events:
                break


async def _registered(names: dict[str, Any], call: str) -> dict[str, Any]:
    """Return a registered name with secret and certificate, for one call."""
    ca, registrar, name = names["ca"], names["registrar"], f"hfc-table-{CELLS.index(call)}"
    secret = await ca.register(Registration(name=name), by=registrar)
    enrolment = await ca.enrol(name, secret, names["signer"])
    user = ca.speaker(enrolment.credentials("Org1MSP", names["key"]))
    return {"name": name, "secret": secret, "user": user, "registration": Registration(name=f"{name}-2")}


def test_table_has_every_group_of_hfcs_calls() -> None:
    assert len(CELLS) >= 28
