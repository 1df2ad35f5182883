"""What a channel has to know of an orderer to make it a consenter; its organisation hands it out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import StringConstraints

from gridledger.crypto.certificate import load_certificate
from gridledger.model.record import ModelValue, value

__all__ = ["OrdererCard"]

Address = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.\-]{1,253}:[1-9][0-9]{0,4}$")]
MspId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.\-]{1,100}$")]


@value
class OrdererCard(ModelValue):
    """An orderer; nothing of it is secret."""

    address: Address
    """Where clients and other orderers reach it."""
    msp_id: MspId
    certificate: bytes
    """PEM of the certificate that it signs blocks with."""
    tls_certificate: bytes
    """PEM of the certificate that it shows as server and as client."""
    msp: bytes | None = None
    """``msp.MSPConfig`` of its organisation; without one, the channel knows the organisation already."""

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        for name in ("certificate", "tls_certificate"):
            try:
                load_certificate(getattr(self, name))
            except (TypeError, ValueError):
                yield name, "is no X.509 certificate in PEM"

    @property
    def host(self) -> str:
        """Host of the address."""
        return self.address.rpartition(":")[0]

    @property
    def port(self) -> int:
        """Port of the address."""
        return int(self.address.rpartition(":")[2])
