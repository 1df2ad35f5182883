"""A channel of the network."""

from __future__ import annotations

from gridledger.client.commit import Commit
from gridledger.client.contract import Contract
from gridledger.client.session import Session
from gridledger.model.errors import ConfigError

__all__ = ["Network"]


class Network:
    """A channel, its contracts and its events; made by `Gateway.network`."""

    __slots__ = ("_chaincode", "_session", "channel")

    channel: str
    """Name of the channel."""

    def __init__(self, session: Session, *, channel: str, chaincode: str | None = None) -> None:
        self._session = session
        self._chaincode = chaincode
        self.channel = channel

    def contract(self, chaincode: str | None = None, name: str | None = None) -> Contract:
        """Return a contract.

        Parameters
        ----------
        chaincode : str, optional
            Name of the chaincode; the connection's by default.
        name : str, optional
            Name of the contract; the chaincode's default one by default.

        Raises
        ------
        ConfigError
            When neither names a chaincode.
        """
        chosen = chaincode or self._chaincode
        if not chosen:
            raise ConfigError(
                "is missing, and the connection names none", key="chaincode", source="Network.contract"
            )
        return Contract(self._session, channel=self.channel, chaincode=chosen, name=name)

    def commit(self, tx_id: str) -> Commit:
        """Return the question for the outcome of any transaction of the channel."""
        return Commit.create(self._session, channel=self.channel, tx_id=tx_id)
