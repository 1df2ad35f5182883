"""A party of the exchange: one identity that calls the ledger, signs records and calls servers.

async with Party.connect(connection, authorities) as party:
    system = await party.ledger.system(identifier)
    signature = await party.sign(request)
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar

from gridledger.client import Connection, Deadlines, Gateway, Network
from gridledger.client.signing_identity import SigningIdentity
from gridledger.exchange.ledger import ExchangeLedger
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.record import Record
from gridledger.model.signature import key_id, public_key_of
from gridledger.model.system import Agent, System
from gridledger.web import (
    Authorities,
    Caller,
    Fault,
    MessageSigner,
    NotPermitted,
    Patience,
    ReplyUnproven,
)
from gridledger.web.route import Payload

if TYPE_CHECKING:
    from gridledger.web import Reply, SignedClient

__all__ = ["Party", "is_agent", "require_caller"]

Given = TypeVar("Given", bound=Payload)

_SYSTEM_KNOWN_S: Final = 10.0
"""A query asks for the same owners several times within a second."""


class Party:
    """An identity with its gateway, its signature, and connections to servers; an async context manager.

    Parameters
    ----------
    gateway : Gateway
        Closed with the party.
    identity : SigningIdentity
        Who speaks and signs.
    authorities : Authorities
        Whom servers' replies may be signed by.
    patience : Patience, optional
        How long servers are waited for.

    Notes
    -----
    Made by `connect`.
    """

    def __init__(
        self,
        gateway: Gateway,
        identity: SigningIdentity,
        authorities: Authorities,
        *,
        patience: Patience | None = None,
    ) -> None:
        self.network: Network = gateway.network()
        self.ledger = ExchangeLedger(self.network)
        self.authorities = authorities
        self.signer = MessageSigner(identity.identity, identity)
        self.public_key = public_key_of(identity.identity.x509)
        self._gateway = gateway
        self._identity = identity
        self._patience = patience
        self._clients: dict[str, SignedClient] = {}
        self._systems: dict[SystemIdentifier, tuple[System, float]] = {}

    @classmethod
    def connect(
        cls,
        connection: Connection,
        authorities: Authorities,
        *,
        patience: Patience | None = None,
        deadlines: Deadlines | None = None,
    ) -> Party:
        """Open a party by a connection that names channel, chaincode, certificate and private key.

        Parameters
        ----------
        connection : Connection
        authorities : Authorities
            Whom servers' replies may be signed by.
        patience : Patience, optional
            How long servers are waited for.
        deadlines : Deadlines, optional
            How long the ledger is waited for, step by step.

        Raises
        ------
        ConfigError
            If a file cannot be read, or something is not named.
        """
        identity = SigningIdentity.from_connection(connection)
        gateway = Gateway.connect(connection, deadlines=deadlines)
        return cls(gateway, identity, authorities, patience=patience)

    @property
    def key_id(self) -> str:
        """Name of the party's key: the id of its application for a system identifier."""
        return key_id(self.public_key)

    async def sign(self, record: Record) -> bytes:
        """Sign a record's canonical bytes; DER with low s."""
        return await self._identity.sign(sha256(record.to_bytes()).digest())

    async def system(self, identifier: SystemIdentifier) -> System:
        """Return a system; what was asked within the last seconds is not asked again.

        Raises
        ------
        NotFound
            There is none.

        Notes
        -----
        For whom to call and whose reply to expect. A system that changes its agent meanwhile is refused, not
        believed; what decides about rights asks the ledger itself.
        """
        clock = asyncio.get_running_loop().time
        known = self._systems.get(identifier)
        if known is None or known[1] < clock():
            known = (await self.ledger.system(identifier), clock() + _SYSTEM_KNOWN_S)
            self._systems[identifier] = known
        return known[0]

    async def call(
        self,
        server: str,
        path: str,
        value: Payload | None,
        *,
        gives: type[Given],
        agent: Agent | None = None,
        method: str = "POST",
        bundled: bool = False,
    ) -> Reply[Given]:
        """Call a server with a signed request, and check who answers.

        Parameters
        ----------
        server : str
            Its origin.
        path : str
            Its route.
        value : Payload, optional
            The body.
        gives : type
            What the reply's body is.
        agent : Agent, optional
            Whose key must have signed the reply.
        method : str, default "POST"
        bundled : bool, default False
            Whether it goes together with other calls of the server that wait at the same time; for a POST
            with a body; the evidence of its answer is then that of all.

        Raises
        ------
        ReplyUnproven
            If another key signed it.
        ContractError, ModelError, ServiceError
            What the server answered; see `SignedClient.call`.
        """
        client = self._client(server)
        if bundled and value is not None:
            reply = await client.call_bundled(path, value, gives=gives)
        else:
            reply = await client.call(method, path, value, gives=gives, idempotent=True)
        if agent is not None and not is_agent(reply.signer, agent):
            raise ReplyUnproven(
                f"the reply of {server} is not signed by its agent {agent.subject}",
                reason=Fault.OTHER_SIGNER,
                signer=reply.signer.subject,
            )
        return reply

    async def close(self) -> None:
        """Close the gateway and the connections to servers."""
        clients = list(self._clients.values())
        self._clients.clear()
        await asyncio.gather(self._gateway.close(), *(client.close() for client in clients))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _client(self, server: str) -> SignedClient:
        client = self._clients.get(server)
        if client is None:
            # Imported with the first call: an owner's server may answer all day and never make one.
            from gridledger.web import SignedClient

            client = SignedClient(
                server, signer=self.signer, authorities=self.authorities, patience=self._patience
            )
            self._clients[server] = client
        return client


def is_agent(caller: Caller, agent: Agent) -> bool:
    """Tell whether a caller is a system's agent: of its organisation, with its key."""
    return caller.msp_id == agent.msp_id and public_key_of(caller.certificate) == agent.public_key


def require_caller(caller: Caller, agent: Agent, what: str) -> None:
    """Refuse a caller that is not a system's agent.

    Raises
    ------
    NotPermitted
        Naming what it may not do.
    """
    if not is_agent(caller, agent):
        raise NotPermitted(f"{what} is for {agent.subject} of {agent.msp_id}", caller=caller.subject)
