"""A chaincode that counts."""

from __future__ import annotations

from gridledger.shim import ChaincodeStub, Response, error, success

__all__ = ["Counter"]


class Counter:
    """`Count` adds one and returns the sum, `Read` returns it."""

    async def invoke(self, stub: ChaincodeStub) -> Response:
        function = stub.get_args()[0]
        if function not in {b"Count", b"Read"}:
            return error(f"no function {function!r}")
        count = int(await stub.get_state("count") or b"0")
        if function == b"Count":
            count += 1
            await stub.put_state("count", str(count).encode())
        return success(str(count).encode())
