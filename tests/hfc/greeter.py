"""A chaincode that both clients call: it keeps a text, gives it back, and tells of it by an event."""

from __future__ import annotations

from gridledger.shim import ChaincodeStub, Response, error, success

__all__ = ["GreeterChaincode"]


class GreeterChaincode:
    """`Greet KEY NAME` writes, `Read KEY` reads; anything else is refused."""

    async def invoke(self, stub: ChaincodeStub) -> Response:
        function, *arguments = (one.decode() for one in stub.get_args())
        match function, arguments:
            case "Greet", [key, name]:
                await stub.put_state(key, f"hello {name}".encode())
                stub.set_event("Greeted", name.encode())
                return success(f"hello {name}".encode())
            case "Read", [key]:
                return success(await stub.get_state(key))
        return error(f"no function {function} of {len(arguments)} arguments")
