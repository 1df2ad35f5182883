"""The client of a Fabric CA server: names are registered, enrolled, enrolled anew and revoked.

async with FabricCa.open(CaAddress(url="https://ca.example:7054", tls_root_cert=Path("ca.pem"))) as ca:
    key = new_private_key()
    admin = (await ca.enrol("admin", secret, EcdsaSigner(key.content))).credentials("Org1MSP", key)
    secret = await ca.register(Registration(name="agent1", roles=[Role.AGENT]), by=ca.speaker(admin))
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import httpx

from gridledger.client.ca.affiliation import Affiliation
from gridledger.client.ca.authorization import secret_authorization
from gridledger.client.ca.ca_info import CaInfo
from gridledger.client.ca.certificate_request import RequestSigner, certificate_request
from gridledger.client.ca.enrolment import Enrolment
from gridledger.client.ca.registration import RegisteredIdentity, Registration
from gridledger.client.ca.reply import Result
from gridledger.client.ca.revocation import Revocation, RevocationList, RevocationReason
from gridledger.client.ca.transport import CaTransport
from gridledger.client.ca_address import CaAddress
from gridledger.client.credentials import Credentials
from gridledger.client.signing_identity import SigningIdentity
from gridledger.model.errors import ConfigError

__all__ = ["FabricCa"]

_DEADLINE_S: Final = 30.0
"""How long a call may take; an authority that asks a database or LDAP takes a second at most."""


class FabricCa:
    """Calls one authority of a Fabric CA server, version 1.4 or later; an async context manager.

    Notes
    -----
    Made by `open`. Nothing is sent twice: `CaUnanswered` says what to do where no answer came. Each call may
    raise `CaRefused` and its classes, `CaUnavailable`, `CaUnanswered` and `CaReplyInvalid`.
    """

    def __init__(self, transport: CaTransport) -> None:
        self._transport = transport
        self._name = transport.address.name

    @classmethod
    def open(
        cls,
        address: CaAddress,
        *,
        deadline_s: float = _DEADLINE_S,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> Self:
        """Get ready to call; the server is touched by the first call.

        Parameters
        ----------
        address : CaAddress
            Where to.
        deadline_s : float, default 30
            How long a call may take.
        transport : httpx.AsyncBaseTransport, optional
            What carries the requests; a test's.

        Raises
        ------
        ConfigError
            When the TLS roots cannot be read.
        """
        return cls(CaTransport(address, deadline_s=deadline_s, transport=transport))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._transport.close()

    @staticmethod
    def speaker(credentials: Credentials) -> SigningIdentity:
        """Return who signs requests: the bearer of an enrolment; raises as `Credentials.signer`."""
        return SigningIdentity(credentials.identity(), credentials.signer())

    async def info(self) -> CaInfo:
        """Return what the authority says of itself; anybody may ask."""
        return CaInfo.read(await self._transport.call("POST", "cainfo", {"caname": self._name}))

    async def enrol(
        self,
        name: str,
        secret: str,
        signer: RequestSigner,
        *,
        attributes: Sequence[str] = (),
        profile: str = "",
        hosts: Sequence[str] = (),
    ) -> Enrolment:
        """Get a certificate by name and secret.

        Parameters
        ----------
        name, secret : str
            As it was registered.
        signer : RequestSigner
            Holds the key that is certified: in memory, or in a token.
        attributes : sequence of str, optional
            Names of the attributes to put into the certificate, and no others; by default those that were
            registered for certificates, and the authority's own.
        profile : str, optional
            Signing profile, such as ``tls``.
        hosts : sequence of str, optional
            For the subject's alternative names.

        Raises
        ------
        ConfigError
            When name or secret cannot be sent.
        CaUnauthenticated
            When they do not hold, or the secret is used up.
        """
        header = secret_authorization(name, secret)
        body = await self._request(name, signer, attributes, profile, hosts)
        result = await self._transport.call("POST", "enroll", body, authorization=header)
        return Enrolment.read(result, name=name, public_key=signer.public_key, attributes=attributes)

    async def reenrol(
        self,
        signer: RequestSigner,
        *,
        by: SigningIdentity,
        attributes: Sequence[str] = (),
        profile: str = "",
        hosts: Sequence[str] = (),
    ) -> Enrolment:
        """Get a new certificate by one that holds, for the same key or a new one.

        Parameters
        ----------
        signer : RequestSigner
            Holds the key that is certified.
        by : SigningIdentity
            Who asks, by the present certificate; the name stays.
        attributes, profile, hosts
            See `enrol`.
        """
        name = by.identity.common_name
        body = await self._request(name, signer, attributes, profile, hosts)
        result = await self._transport.call("POST", "reenroll", body, by=by)
        return Enrolment.read(result, name=name, public_key=signer.public_key, attributes=attributes)

    async def register(self, registration: Registration, *, by: SigningIdentity, secret: str = "") -> str:
        """Make a name known, so that whoever has its secret can enrol.

        Parameters
        ----------
        registration : Registration
            The name, and what its certificates shall say.
        by : SigningIdentity
            A registrar.
        secret : str, optional
            Chosen by the caller, so that nothing is lost with an answer; by default the authority draws one.

        Returns
        -------
        str
            The secret.

        Raises
        ------
        CaRefused
            With code 74 when the name is taken.
        CaNotPermitted
            When the registrar may not give these attributes, type or affiliation.
        """
        value = registration.to_value(self._name, secret)
        return (await self._transport.call("POST", "register", value, by=by)).text("secret")

    async def revoke(
        self,
        name: str = "",
        *,
        by: SigningIdentity,
        serial: str = "",
        authority_key: str = "",
        reason: RevocationReason = RevocationReason.UNSPECIFIED,
        with_list: bool = False,
    ) -> Revocation:
        """Revoke one certificate, or a name with all its certificates, for good.

        Parameters
        ----------
        name : str
            The name; with `serial` whose certificate it must be.
        by : SigningIdentity
            A revoker; anybody may revoke the own.
        serial, authority_key : str, optional
            One certificate, as `Enrolment` tells both.
        reason : RevocationReason, optional
            Why.
        with_list : bool, default False
            Whether to return the new list of all revocations. The authority gives none where nothing was
            revoked.

        Raises
        ------
        ConfigError
            With neither a name nor both of serial and authority key.
        """
        if bool(serial) != bool(authority_key) or not (name or serial):
            raise ConfigError("want a name, or serial and authority key", key="name", source="revoke")
        value = {
            "id": name,
            "serial": serial,
            "aki": authority_key,
            "reason": reason.value,
            "caname": self._name,
            "gencrl": with_list,
        }
        result = await self._transport.call("POST", "revoke", value, by=by)
        revocation = Revocation.read(result)
        if not with_list or not result.has("CRL"):
            return revocation
        revocations = RevocationList.read(result.decoded("CRL"), await self.info())
        return Revocation(certificates=revocation.certificates, revocation_list=revocations)

    async def revocation_list(self, *, by: SigningIdentity) -> RevocationList:
        """Return the list of all unexpired certificates that are revoked; `by` needs ``hf.GenCRL``."""
        result = await self._transport.call("POST", "gencrl", {"caname": self._name}, by=by)
        return RevocationList.read(result.decoded("CRL"), await self.info())

    async def identity(self, name: str, *, by: SigningIdentity) -> RegisteredIdentity:
        """Return a name as the authority knows it; `by` is a registrar for it."""
        return RegisteredIdentity.read(await self._get(f"identities/{_escaped(name)}", by))

    async def identities(self, *, by: SigningIdentity) -> list[RegisteredIdentity]:
        """Return all names that a registrar may see, sorted; Fabric CA has no pages for them."""
        found = (await self._get("identities", by)).items("identities")
        return sorted((RegisteredIdentity.read(one) for one in found), key=lambda one: one.name)

    async def affiliations(self, *, by: SigningIdentity) -> Affiliation:
        """Return the tree of affiliations that the caller may see."""
        return Affiliation.read(await self._get("affiliations", by))

    async def add_affiliation(self, name: str, *, by: SigningIdentity) -> None:
        """Add an affiliation, and those above it that are missing.

        Parameters
        ----------
        name : str
            Such as ``org1.department1``.
        by : SigningIdentity
            Needs ``hf.AffiliationMgr``.
        """
        value = {"name": name, "force": True, "caname": self._name}
        await self._transport.call("POST", "affiliations", value, query={"force": "true"}, by=by)

    async def _get(self, endpoint: str, by: SigningIdentity) -> Result:
        query = {"ca": self._name} if self._name else None
        return await self._transport.call("GET", endpoint, query=query, by=by)

    async def _request(
        self,
        name: str,
        signer: RequestSigner,
        attributes: Sequence[str],
        profile: str,
        hosts: Sequence[str],
    ) -> dict[str, object]:
        request = await certificate_request(name, signer, hosts=hosts)
        body: dict[str, object] = {"certificate_request": request.decode(), "caname": self._name}
        if attributes:
            body["attr_reqs"] = [{"name": one} for one in attributes]
        if profile:
            body["profile"] = profile
        if hosts:
            body["hosts"] = list(hosts)
        return body


def _escaped(name: str) -> str:
    if name in {"", ".", ".."}:
        raise ConfigError("want a name", key="name", source="identity", value=name)
    return quote(name, safe="")
