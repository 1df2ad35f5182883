"""CPU of a chaincode process per transaction, without Fabric: a small peer of our own keeps it busy.

    python tests/bench/shim_loop.py [--transactions N] [--in-flight N] [--node DIR]

Each workload runs in a chaincode process of its own, started as in production (`python -m gridledger.shim`);
its CPU time is read from /proc. With `--node`, a folder in which `npm install fabric-shim` was run, the Node
shim does the workloads that it can. Figures on real Fabric come from the network's benchmarks; this loop is
for work on the shim.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from fabric_protos.peer import chaincode_pb2, chaincode_shim_pb2

from gridledger.model.argument import encode_argument
from gridledger.shim import (
    ChaincodeStub,
    Context,
    Contract,
    ContractChaincode,
    Response,
    error,
    success,
    transaction,
)
from gridledger.shim.testing import MemoryPeer, make_caller
from gridledger.shim.wire import MessageType

_Shim = chaincode_shim_pb2
_CHANNEL = "energy"
_KEYS = [f"key{index}" for index in range(8)]
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_WARM_UP = 500

_NODE_CHAINCODE = """
const shim = require('fabric-shim');
const keys = [...Array(8).keys()].map((i) => `key${i}`);
const chaincode = {
  async Init() { return shim.success(); },
  async Invoke(stub) {
    const { fcn, params } = stub.getFunctionAndParameters();
    if (fcn === 'put') await stub.putState(params[0], Buffer.from(params[1]));
    else for (const key of keys) await stub.putState(key, await stub.getState(key));
    return shim.success();
  },
};
const { CHAINCODE_ID: ccid, CHAINCODE_SERVER_ADDRESS: address } = process.env;
shim.server(chaincode, { ccid, address }).start();
"""


class RawBench:
    """The workloads on the bare stub."""

    async def invoke(self, stub: ChaincodeStub) -> Response:
        function, parameters = stub.get_function_and_parameters()
        if function == "put":
            await stub.put_state(parameters[0], parameters[1].encode())
        elif function == "single":
            for key in _KEYS:
                await stub.put_state(key, await stub.get_state(key) or b"")
        elif function == "batched":
            stub.start_write_batch()
            values = await stub.get_multiple_states(*_KEYS)
            for key, value in zip(_KEYS, values, strict=True):
                await stub.put_state(key, value or b"")
        else:
            return error(function)
        return success()


class _Bench(Contract):
    name = "bench"

    @transaction
    async def put(self, ctx: Context, key: str, value: str) -> None:
        await ctx.stub.put_state(key, value.encode())


class ContractBench(ContractChaincode):
    """The first workload in the contract layer."""

    def __init__(self) -> None:
        super().__init__(_Bench())


class _Peer:
    """Answers a chaincode as fast as it can, and keeps a number of transactions in flight."""

    def __init__(self, address: str) -> None:
        self._address = address
        transient = {"transient": b"17"}
        self._proposal = MemoryPeer(RawBench())._proposal("0" * 64, make_caller(), b"n" * 24, 1, transient)

    async def run(self, arguments: list[bytes], count: int, in_flight: int) -> None:
        async with grpc.aio.insecure_channel(self._address) as channel:
            await asyncio.wait_for(channel.channel_ready(), 30)
            self._call = channel.stream_stream("/protos.Chaincode/Connect")()
            await self._call.read()
            await self._send(MessageType.REGISTERED, "", b"")
            announced = chaincode_pb2.ChaincodeAdditionalParams(
                use_write_batch=True,
                max_size_write_batch=1000,
                use_get_multiple_keys=True,
                max_size_get_multiple_keys=1000,
            )
            await self._send(MessageType.READY, "", announced.SerializeToString())
            payload = chaincode_pb2.ChaincodeInput(args=arguments).SerializeToString()
            started = 0
            finished = 0
            while finished < count:
                while started < min(count, finished + in_flight):
                    await self._send(MessageType.TRANSACTION, f"{started:064x}", payload)
                    started += 1
                message = _Shim.ChaincodeMessage.FromString(await self._call.read())
                if message.type == MessageType.COMPLETED:
                    finished += 1
                elif message.type == MessageType.ERROR:
                    raise RuntimeError(message.payload.decode())
                else:
                    await self._send(MessageType.RESPONSE, message.txid, self._answer(message))
            self._call.cancel()

    @staticmethod
    def _answer(message: Any) -> bytes:
        if message.type == MessageType.GET_STATE:
            return b"17"
        if message.type == MessageType.GET_STATE_MULTIPLE:
            data: bytes = _Shim.GetStateMultipleResult(values=[b"17"] * len(_KEYS)).SerializeToString()
            return data
        return b""

    async def _send(self, kind: MessageType, tx_id: str, payload: bytes) -> None:
        message = _Shim.ChaincodeMessage(type=kind, txid=tx_id, payload=payload, channel_id=_CHANNEL)
        if kind is MessageType.TRANSACTION:
            message.proposal.proposal_bytes = self._proposal
        await self._call.write(message.SerializeToString())


@contextmanager
def _chaincode(command: list[str]) -> Iterator[tuple[int, str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment = {**os.environ, "CHAINCODE_ID": "bench:0", "CHAINCODE_SERVER_ADDRESS": address}
    environment["PYTHONPATH"] = str(Path(__file__).parent)
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process.pid, address
    finally:
        process.terminate()
        process.wait(20)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND


async def _measure(
    command: list[str], arguments: list[bytes], count: int, in_flight: int
) -> tuple[float, float]:
    """Return milliseconds of CPU, and of time, for one transaction."""
    with _chaincode(command) as (pid, address):
        await _Peer(address).run(arguments, _WARM_UP, in_flight)
        cpu, clock = _cpu_seconds(pid), time.perf_counter()
        await _Peer(address).run(arguments, count, in_flight)
        cpu, clock = _cpu_seconds(pid) - cpu, time.perf_counter() - clock
    return cpu / count * 1000, clock / count * 1000


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description="CPU of a chaincode process per transaction")
    parser.add_argument("--transactions", type=int, default=5_000)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--node", type=Path, help="folder where fabric-shim is installed")
    options = parser.parse_args()
    raw = [sys.executable, "-m", "gridledger.shim", "shim_loop:RawBench"]
    contract = [sys.executable, "-m", "gridledger.shim", "shim_loop:ContractBench"]
    put = [b"put", b"key", b"17"]
    workloads: list[tuple[str, list[str], list[bytes]]] = [
        ("one put", raw, put),
        ("one put, contract layer", contract, [b"bench:Put", b"key", encode_argument("17")]),
        ("8 reads, 8 writes, one by one", raw, [b"single"]),
        ("8 reads, 8 writes, batched", raw, [b"batched"]),
    ]
    if options.node is not None:
        script = options.node / "shim_loop_chaincode.js"
        script.write_text(_NODE_CHAINCODE)
        node = ["node", str(script)]
        workloads += [("one put, Node", node, put), ("8 reads, 8 writes, Node", node, [b"single"])]
    for name, command, arguments in workloads:
        cpu, clock = asyncio.run(_measure(command, arguments, options.transactions, options.in_flight))
        sys.stdout.write(f"{name:34} {cpu:6.3f} ms CPU  {clock:6.3f} ms\n")


if __name__ == "__main__":
    main()
