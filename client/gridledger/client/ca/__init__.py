"""Certificate authorities: Fabric CA's interface, from registration to revocation; extra `ca` (httpx)."""

from gridledger.client.ca.affiliation import Affiliation
from gridledger.client.ca.ca_info import CaInfo
from gridledger.client.ca.enrolment import Enrolment
from gridledger.client.ca.errors import (
    CaNotPermitted,
    CaRefused,
    CaReplyInvalid,
    CaUnanswered,
    CaUnauthenticated,
    CaUnavailable,
)
from gridledger.client.ca.fabric_ca import FabricCa
from gridledger.client.ca.registration import RegisteredIdentity, Registration
from gridledger.client.ca.revocation import Revocation, RevocationList, RevocationReason, RevokedCertificate
from gridledger.client.ca_address import CaAddress

__all__ = [
    "Affiliation",
    "CaAddress",
    "CaInfo",
    "CaNotPermitted",
    "CaRefused",
    "CaReplyInvalid",
    "CaUnanswered",
    "CaUnauthenticated",
    "CaUnavailable",
    "Enrolment",
    "FabricCa",
    "RegisteredIdentity",
    "Registration",
    "Revocation",
    "RevocationList",
    "RevocationReason",
    "RevokedCertificate",
]
