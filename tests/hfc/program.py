"""Run by an interpreter that has fabric-sdk-py (hfc): takes one request on standard input, writes one answer.

Nothing of GridLedger is imported here: the two packages' dependencies exclude each other.
"""

import asyncio
import json
import logging
import sys

from hfc.fabric import Client
from hfc.fabric_ca.caservice import Enrollment
from hfc.fabric_network.wallet import FileSystenWallet, Identity

logging.disable(logging.CRITICAL)
_SECONDS = 90


async def query(client, user, request):
    return await client.chaincode_query(
        requestor=user,
        channel_name=request["channel"],
        peers=request["peers"],
        fcn="Read",
        args=[request["key"]],
        cc_name=request["chaincode"],
    )


async def invoke(client, user, request):
    return await client.chaincode_invoke(
        requestor=user,
        channel_name=request["channel"],
        peers=request["peers"],
        fcn="Greet",
        args=[request["key"], request["name"]],
        cc_name=request["chaincode"],
        wait_for_event=True,
        wait_for_event_timeout=_SECONDS,
        raise_on_error=True,
    )


async def events(client, user, request):
    """Hear of what this invokes, by hfc's event hub with whole blocks."""
    heard = asyncio.get_running_loop().create_future()

    def on_event(event, block, tx_id, status):
        payload = event["payload"]
        text = payload.decode() if isinstance(payload, bytes) else payload
        # The hub begins with the newest block, which is another's.
        if text == request["name"] and not heard.done():
            heard.set_result({"name": event["event_name"], "payload": text, "block": block, "status": status})

    hub = client.get_channel(request["channel"]).newChannelEventHub(
        client.get_peer(request["peers"][0]), user
    )
    listening = asyncio.ensure_future(hub.connect(filtered=False))
    hub.registerChaincodeEvent(request["chaincode"], "Greeted", onEvent=on_event)
    await asyncio.sleep(1)
    await invoke(client, user, request)
    found = await asyncio.wait_for(heard, _SECONDS)
    hub.disconnect()
    listening.cancel()
    return found


async def info(client, user, request):
    """Ask a peer for the chain's height."""
    found = await client.query_info(
        requestor=user, channel_name=request["channel"], peers=request["peers"][:1]
    )
    return {"height": found.height}


async def wallet(client, user, request):
    """Keep the user in a wallet of hfc's."""
    enrolled = Enrollment(user.enrollment.private_key, user.enrollment.cert)
    Identity(request["label"], enrolled).CreateIdentity(FileSystenWallet(request["wallet"]))
    return


async def main():
    request = json.load(sys.stdin)
    client = Client(net_profile=request["profile"])
    client.new_channel(request["channel"])
    user = client.get_user(request["organization"], request["user"])
    call = {"query": query, "invoke": invoke, "events": events, "info": info, "wallet": wallet}
    answer = await call[request["call"]](client, user, request)
    await client.close_grpc_channels()
    json.dump(answer, sys.stdout)


asyncio.run(main())
