"""An authority's commands as its registrar, and what those that it enrolled do."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

from tests.ca.server import CaServer
from tests.integration.commands import Commands
from tests.integration.exchange import CHAINCODE

from gridledger.client import Gateway
from gridledger.network import Network

__all__ = ["Authority", "transact"]


class Authority:
    """The authority's commands, as its registrar."""

    def __init__(self, commands: Commands, server: CaServer, folder: Path) -> None:
        self.commands = commands
        self._folder = folder
        address = server.address
        self.where = ("--url", address.url, "--ca-name", address.name, "--tls-root", address.tls_root_cert)
        self.registrar = folder / "registrar"

    async def ca(self, *words: object, code: int = 0) -> Any:
        return await self.commands("ca", *words, *self.where, code=code)

    async def managed(self, *words: object, code: int = 0) -> Any:
        return await self.ca(*words, "--as", self.registrar, code=code)

    async def identity(self, *words: object, code: int = 0) -> Any:
        return await self.commands("identity", *words, *self.where, code=code)

    async def registered(self, *words: object) -> tuple[str, Path]:
        """Register a new name; return it and the file of its secret."""
        name = f"user-{uuid.uuid4().hex[:12]}"
        secret = self._folder / f"{name}.secret"
        shown = await self.managed("register", name, *words, "--secret-out", secret)
        assert shown["name"] == name
        assert secret.stat().st_mode & 0o777 == 0o600
        return name, secret


async def transact(network: Network, user: str) -> None:
    """Send a transaction as a user of organisation 1, and wait until it is committed."""
    async with Gateway.connect(network.connection(org="org1", user=user, chaincode=CHAINCODE)) as gateway:
        await gateway.network().contract(name="ledger").submit("CancelCall", uuid.uuid4().hex)
