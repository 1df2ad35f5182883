"""The way from a terminal to its server: signed requests, and replies that its agent must have signed."""

from __future__ import annotations

from gridledger.exchange.party import Party
from gridledger.model.system import Agent
from gridledger.response.message import DemandPage, RecordsAnswer, RecordsMessage

__all__ = ["SignedLink"]

_RECORDS = "/v1/records"
_DEMANDS = "/v1/demands"


class SignedLink:
    """Sends a terminal's messages.

    Parameters
    ----------
    party : Party
        The terminal's identity.
    server : str
        The server's origin.
    agent : Agent, optional
        Whose key must have signed the replies: the agent of the server's system.
    """

    def __init__(self, party: Party, server: str, agent: Agent | None = None) -> None:
        self._party = party
        self._server = server
        self._agent = agent

    async def send(self, message: RecordsMessage) -> RecordsAnswer:
        """Send a message; a ServiceError where there is no proven answer."""
        reply = await self._party.call(
            self._server, _RECORDS, message, gives=RecordsAnswer, agent=self._agent
        )
        return reply.value

    async def demands(self, since_ms: int) -> DemandPage:
        """Return published demands that begin at a time or later."""
        path = f"{_DEMANDS}?since={since_ms}"
        reply = await self._party.call(
            self._server, path, None, gives=DemandPage, agent=self._agent, method="GET"
        )
        return reply.value
