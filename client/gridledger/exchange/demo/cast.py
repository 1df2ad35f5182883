"""Who plays in the demo: identities of the network's organisations, connected.

| name | organisation | role |
|---|---|---|
| aggregation | org1 | aggregation-system |
| auditor | org1 | auditor |
| administrator | org1 | platform-administrator |
| agent | org1 | agent |
| construction, maintenance, asset | org1 | business-system |
| production, monitoring | org2 | business-system |
| lifecycle | org2 | data-application |
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gridledger.client import Connection
from gridledger.exchange.demo.systems import SYSTEMS
from gridledger.exchange.party import Party
from gridledger.model.roles import Role
from gridledger.web import Authorities, ServiceUnavailable

__all__ = ["CAST", "Cast", "Enrol"]

Enrol = Callable[[str, str, Role], Connection]
"""Makes an identity of an organisation, by organisation, name and role, and returns its connection."""

_EVEN_S: Final = 10.0
_POLL_S: Final = 0.01

CAST: Final[Mapping[str, tuple[str, Role]]] = {
    "aggregation": ("org1", Role.AGGREGATION_SYSTEM),
    "auditor": ("org1", Role.AUDITOR),
    "administrator": ("org1", Role.PLATFORM_ADMINISTRATOR),
    "agent": ("org1", Role.AGENT),
    "lifecycle": ("org2", Role.DATA_APPLICATION),
    **{system.name: (system.organisation, Role.BUSINESS_SYSTEM) for system in SYSTEMS},
}


class Cast:
    """All identities, and the parties of those who act in this process; an async context manager.

    Parameters
    ----------
    enrol : Enrol
        Blocks; called once a name.
    authorities : mapping of str to Path
        MSP to folder.
    """

    def __init__(self, enrol: Enrol, authorities: Mapping[str, Path]) -> None:
        self.folders = authorities
        self.connections: dict[str, Connection] = {
            name: enrol(organisation, name, role) for name, (organisation, role) in CAST.items()
        }
        self._authorities = Authorities.from_msp_folders(authorities)
        self._parties: dict[str, Party] = {}
        self._stack = AsyncExitStack()

    def __getitem__(self, name: str) -> Party:
        return self._parties[name]

    async def even(self) -> None:
        """Wait until the peers of all organisations have the same blocks, so that all read the same.

        Raises
        ------
        ServiceUnavailable
            If they have not within 10 seconds.
        """
        networks = [self._parties[name].network for name in ("aggregation", "lifecycle")]
        height = max([(await network.chain_info()).height for network in networks])
        try:
            async with asyncio.timeout(_EVEN_S):
                for network in networks:
                    while (await network.chain_info()).height < height:  # noqa: ASYNC110 - a peer
                        await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            raise ServiceUnavailable(f"a peer is still behind block {height - 1}") from error

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for name, connection in self.connections.items():
                party = Party.connect(connection, self._authorities)
                self._parties[name] = await stack.enter_async_context(party)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
