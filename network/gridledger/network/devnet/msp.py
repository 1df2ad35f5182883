"""Membership: which certificates belong to an organisation, and in which role: Fabric's MSP with node OUs."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from fabric_protos.msp import identities_pb2, msp_config_pb2, msp_principal_pb2
from google.protobuf.message import DecodeError

from gridledger.crypto.certificate import load_certificate
from gridledger.network.devnet.errors import Malformed, Refused
from gridledger.network.devnet.identity import Identity, SignedData

__all__ = ["Msp", "MspManager", "msp_config_from_folder"]

_CACHED_IDENTITIES = 4096
"""Enough for every client that a devnet will see; older ones are parsed again."""
_VERIFIED_SIGNATURES = 16384
"""Signatures that this process found or made valid: a few blocks' worth of transactions in flight."""
_CHAIN_LIMIT = 8
_KNOWN_PRINCIPALS = 256
"""Principals whose answer an identity keeps; policies of keys can name any number."""

_CLIENT: Final[int] = msp_principal_pb2.MSPRole.MSPRoleType.CLIENT
_PEER: Final[int] = msp_principal_pb2.MSPRole.MSPRoleType.PEER
_ADMIN: Final[int] = msp_principal_pb2.MSPRole.MSPRoleType.ADMIN
_ORDERER: Final[int] = msp_principal_pb2.MSPRole.MSPRoleType.ORDERER
_MEMBER: Final[int] = msp_principal_pb2.MSPRole.MSPRoleType.MEMBER
_Classification = msp_principal_pb2.MSPPrincipal.Classification


def msp_config_from_folder(folder: Path, msp_id: str) -> msp_config_pb2.FabricMSPConfig:
    """Read an MSP folder into the message that stands in a channel's configuration.

    Parameters
    ----------
    folder : Path
        With `cacerts`, `tlscacerts`, `config.yaml` and, where there are some, `intermediatecerts`,
        `admincerts`, `crls`.
    msp_id : str
        The MSP's id.

    Raises
    ------
    Malformed
        If the folder holds no root or no readable `config.yaml`.
    """
    config = msp_config_pb2.FabricMSPConfig(
        name=msp_id,
        root_certs=_pems(folder / "cacerts"),
        intermediate_certs=_pems(folder / "intermediatecerts"),
        admins=_pems(folder / "admincerts"),
        revocation_list=_pems(folder / "crls"),
        tls_root_certs=_pems(folder / "tlscacerts"),
        tls_intermediate_certs=_pems(folder / "tlsintermediatecerts"),
        crypto_config=msp_config_pb2.FabricCryptoConfig(
            signature_hash_family="SHA2", identity_identifier_hash_function="SHA256"
        ),
    )
    if not config.root_certs:
        raise Malformed(f"{folder} holds no root certificate")
    try:
        options = yaml.safe_load((folder / "config.yaml").read_text()) or {}
    except (OSError, yaml.YAMLError) as error:
        raise Malformed(f"cannot read {folder / 'config.yaml'}: {error}") from error
    node_ous = options.get("NodeOUs") or {}
    config.fabric_node_ous.enable = bool(node_ous.get("Enable"))
    for role in ("client", "peer", "admin", "orderer"):
        entry = node_ous.get(f"{role.capitalize()}OUIdentifier")
        if entry:
            identifier = getattr(config.fabric_node_ous, f"{role}_ou_identifier")
            identifier.organizational_unit_identifier = entry["OrganizationalUnitIdentifier"]
            if entry.get("Certificate"):
                identifier.certificate = (folder / entry["Certificate"]).read_bytes()
    return config


def _pems(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("*.pem"))] if folder.is_dir() else []


class Msp:
    """One organisation's membership rules.

    Parameters
    ----------
    config : msp_config_pb2.FabricMSPConfig
        As it stands in the channel's configuration.
    """

    def __init__(self, config: msp_config_pb2.FabricMSPConfig) -> None:
        self.msp_id: str = config.name
        self._authorities = [
            load_certificate(pem) for pem in (*config.root_certs, *config.intermediate_certs)
        ]
        self._roots = {_der(load_certificate(pem)) for pem in config.root_certs}
        self._admins = {_der(load_certificate(pem)) for pem in config.admins}
        node_ous = config.fabric_node_ous
        self._enforced: bool = node_ous.enable
        self._node_ous: dict[int, tuple[str, bytes]] = {}
        for role, entry in (
            (_CLIENT, node_ous.client_ou_identifier),
            (_PEER, node_ous.peer_ou_identifier),
            (_ADMIN, node_ous.admin_ou_identifier),
            (_ORDERER, node_ous.orderer_ou_identifier),
        ):
            if entry.organizational_unit_identifier:
                certifier = self._certifier(entry.certificate) if entry.certificate else b""
                self._node_ous[role] = (entry.organizational_unit_identifier, certifier)

    def deserialize(self, pem: bytes) -> Identity:
        """Return the identity that a PEM certificate is, unvalidated.

        Raises
        ------
        Refused
            If it is no certificate or has a key of an unknown kind.
        """
        try:
            certificate = load_certificate(pem)
            return Identity(self, certificate, _der(certificate))
        except (ValueError, UnsupportedAlgorithm, OverflowError) as error:
            raise Refused("could not decode the PEM structure") from error

    def check(self, identity: Identity) -> None:
        """Refuse a certificate that does not lead to a root or does not have exactly one node OU."""
        if _is_authority(identity.certificate):
            raise Refused(
                "could not obtain certification chain: An X509 certificate with Basic Constraint: "
                "Certificate Authority equals true cannot be used as an identity"
            )
        certifiers = self._certifiers(identity.certificate)
        if not self._enforced:
            return
        matches = 0
        for unit in identity.units:
            for name, certifier in self._node_ous.values():
                if unit == name:
                    if certifier and certifier != certifiers:
                        raise Refused(
                            "could not validate identity's OUs: certifiersIdentifier does not match, MSP: "
                            f"[{self.msp_id}]"
                        )
                    matches += 1
        if matches == 0:
            raise Refused(
                "could not validate identity's OUs: the identity does not have an OU that resolves to "
                "client, peer, "
                f"orderer, or admin role. OUs: {list(identity.units)}, MSP: [{self.msp_id}]"
            )
        if matches > 1:
            raise Refused(
                "could not validate identity's OUs: the identity must have a client, a peer, an orderer, or "
                "an admin OU "
                f"role to be valid, not a combination of them. OUs: {list(identity.units)}, MSP: "
                f"[{self.msp_id}]"
            )

    def satisfies(self, identity: Identity, principal: msp_principal_pb2.MSPPrincipal) -> bool:
        """Tell whether an identity of this MSP is what a policy's principal asks for."""
        # Neither the certificate nor the rules change: what was found once holds.
        key = (principal.principal_classification, principal.principal)
        known = identity.satisfied.get(key)
        if known is None:
            try:
                known = self._satisfies(identity, principal)
            except (Refused, DecodeError):
                known = False
            if len(identity.satisfied) < _KNOWN_PRINCIPALS:
                identity.satisfied[key] = known
        return known

    def _satisfies(self, identity: Identity, principal: msp_principal_pb2.MSPPrincipal) -> bool:
        kind = principal.principal_classification
        if kind == _Classification.ROLE:
            role = msp_principal_pb2.MSPRole.FromString(principal.principal)
            if role.msp_identifier != self.msp_id:
                return False
            if role.role == _ADMIN and identity.der in self._admins:
                return True
            identity.validate()
            return role.role == _MEMBER or self._has_role(identity, role.role)
        if kind == _Classification.ORGANIZATION_UNIT:
            unit = msp_principal_pb2.OrganizationUnit.FromString(principal.principal)
            if unit.msp_identifier != self.msp_id:
                return False
            identity.validate()
            return (
                unit.organizational_unit_identifier in identity.units
                and unit.certifiers_identifier == self._certifiers(identity.certificate)
            )
        if kind == _Classification.IDENTITY:
            wanted = identities_pb2.SerializedIdentity.FromString(principal.principal)
            if wanted.mspid != self.msp_id:
                return False
            identity.validate()
            return self.deserialize(wanted.id_bytes).der == identity.der
        if kind == _Classification.ANONYMITY:
            anonymity = msp_principal_pb2.MSPIdentityAnonymity.FromString(principal.principal)
            return bool(
                anonymity.anonymity_type
                == msp_principal_pb2.MSPIdentityAnonymity.MSPIdentityAnonymityType.NOMINAL
            )
        if kind == _Classification.COMBINED:
            combined = msp_principal_pb2.CombinedPrincipal.FromString(principal.principal)
            return bool(combined.principals) and all(
                self._satisfies(identity, part) for part in combined.principals
            )
        return False

    def _has_role(self, identity: Identity, role: int) -> bool:
        node_ou = self._node_ous.get(role) if self._enforced else None
        return node_ou is not None and node_ou[0] in identity.units

    def _certifiers(self, certificate: x509.Certificate) -> bytes:
        """Return the hash over the authorities that lead from the certificate to a root."""
        digest = hashlib.sha256()
        current = certificate
        for _ in range(_CHAIN_LIMIT):
            issuer = self._issuer(current)
            if issuer is None:
                break
            der = _der(issuer)
            digest.update(der)
            if der in self._roots:
                return digest.digest()
            current = issuer
        raise Refused(
            "could not obtain certification chain: the supplied identity is not valid: "
            "x509: certificate signed by unknown authority"
        )

    def _issuer(self, certificate: x509.Certificate) -> x509.Certificate | None:
        for authority in self._authorities:
            if authority.subject == certificate.issuer and _is_authority(authority):
                try:
                    certificate.verify_directly_issued_by(authority)
                except (ValueError, TypeError, InvalidSignature):
                    continue
                return authority
        return None

    def _certifier(self, pem: bytes) -> bytes:
        certificate = load_certificate(pem)
        der = _der(certificate)
        if der in self._roots:
            return hashlib.sha256(der).digest()
        digest = hashlib.sha256(der)
        issuer = self._issuer(certificate)
        while issuer is not None:
            digest.update(_der(issuer))
            if _der(issuer) in self._roots:
                break
            issuer = self._issuer(issuer)
        return digest.digest()


class MspManager:
    """All MSPs of the channel; identities and good signatures are kept, by their exact bytes.

    Parameters
    ----------
    msps : iterable of Msp
        The channel's MSPs.
    """

    def __init__(self, msps: Iterable[Msp]) -> None:
        self.msps: Mapping[str, Msp] = {msp.msp_id: msp for msp in msps}
        self._identities: OrderedDict[bytes, Identity] = OrderedDict()
        self._verified: OrderedDict[bytes, None] = OrderedDict()

    def deserialize(self, serialized: bytes) -> Identity:
        """Return the identity that serialised bytes name, unvalidated.

        Raises
        ------
        Refused
            If the bytes are malformed or name an MSP that is not on the channel.
        """
        identity = self._identities.get(serialized)
        if identity is not None:
            self._identities.move_to_end(serialized)
            return identity
        try:
            message = identities_pb2.SerializedIdentity.FromString(serialized)
        except DecodeError as error:
            raise Refused("could not deserialize a SerializedIdentity") from error
        msp = self.msps.get(message.mspid)
        if msp is None:
            raise Refused(f"MSP {message.mspid} is not defined on channel")
        identity = msp.deserialize(message.id_bytes)
        self._identities[serialized] = identity
        if len(self._identities) > _CACHED_IDENTITIES:
            self._identities.popitem(last=False)
        return identity

    def deserialize_own(self, msp_id: str, serialized: bytes) -> Identity:
        """Return the identity that serialised bytes name if it is of the MSP `msp_id`.

        Raises
        ------
        Refused
            If it is malformed or of another MSP.
        """
        identity = self.deserialize(serialized)
        if identity.msp_id != msp_id:
            raise Refused(f"expected MSP ID {msp_id}, received {identity.msp_id}")
        return identity

    def verify(self, signed: SignedData) -> Identity:
        """Return the signer if the signature is good.

        Raises
        ------
        Refused
            If the identity is unknown or the signature is not its own.

        Notes
        -----
        Whether a signature is good depends on nothing but these bytes: what was found good once, or was made
        here, is not computed again.
        """
        identity = self.deserialize(signed.identity)
        digest = hashlib.sha256(signed.data).digest()
        key = _signature_key(identity, digest, signed.signature)
        if key in self._verified:
            self._verified.move_to_end(key)
            return identity
        identity.verify(digest, signed.data, signed.signature)
        self._remember(key)
        return identity

    def remember(self, signed: SignedData) -> None:
        """Note a signature that this process made itself."""
        identity = self.deserialize(signed.identity)
        self._remember(_signature_key(identity, hashlib.sha256(signed.data).digest(), signed.signature))

    def _remember(self, key: bytes) -> None:
        self._verified[key] = None
        if len(self._verified) > _VERIFIED_SIGNATURES:
            self._verified.popitem(last=False)

    def signers(self, signatures: Sequence[SignedData]) -> list[Identity]:
        """Return the identities whose signatures are good, each once."""
        found: dict[tuple[str, str], Identity] = {}
        for signed in signatures:
            try:
                identity = self.deserialize(signed.identity)
                name = (identity.msp_id, identity.identifier)
                if name not in found:
                    found[name] = self.verify(signed)
            except Refused:
                continue
        return list(found.values())


def _signature_key(identity: Identity, digest: bytes, signature: bytes) -> bytes:
    return b"\0".join((identity.msp_id.encode(), identity.identifier.encode(), digest, signature))


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False
