"""Roles of identities, and the certificate attributes that carry them.

A role is given by the organisation's certificate authority when it enrols an identity: it stands in the
certificate as a Fabric CA attribute (extension 1.2.3.4.5.6.7.8.1), so that a contract reads it without asking
anybody. Source: CN112508707B for the roles of the exchange.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

__all__ = ["CertificateAttribute", "Role", "read_roles", "write_roles"]


class CertificateAttribute(StrEnum):
    """Names of the certificate attributes that contracts read."""

    ROLE = "gridledger.role"
    """The identity's roles, separated by commas: `read_roles` and `write_roles`."""

    SYSTEM = "gridledger.system"
    """System identifier that the identity acts for; business systems and data applications have it."""

    ENTERPRISE = "gridledger.enterprise"
    """Enterprise that the identity belongs to, where several share one organisation."""


class Role(StrEnum):
    """What an identity may be."""

    BUSINESS_SYSTEM = "business-system"
    """Keeps data of devices, answers for them and is paid."""

    AGGREGATION_SYSTEM = "aggregation-system"
    """Registers identifiers, finds key devices, forwards resolutions."""

    DATA_APPLICATION = "data-application"
    """Asks for data on behalf of its users, orders and pays."""

    ENTERPRISE_USER = "enterprise-user"
    """A person of an enterprise who applies for systems and reads what concerns them."""

    AUDITOR = "auditor"
    """Approves or rejects applications."""

    PLATFORM_ADMINISTRATOR = "platform-administrator"
    """Keeps coding rules and accounts of the platform."""

    AGENT = "agent"
    """An organisation's agent: renews the time mark and returns overdue holds."""

    TERMINAL = "terminal"
    """A user's or an IoT terminal of demand response: anchors its own records."""


def read_roles(text: str) -> frozenset[Role]:
    """Read the value of the role attribute.

    Parameters
    ----------
    text : str
        Role names separated by commas; empty for none.

    Returns
    -------
    frozenset of Role
        Names that are unknown here give nothing: a role only ever adds rights, and a newer authority may know
        more.

    Examples
    --------
    >>> sorted(read_roles("auditor,of-tomorrow,agent"))
    [<Role.AGENT: 'agent'>, <Role.AUDITOR: 'auditor'>]
    """
    known = {role.value: role for role in Role}
    return frozenset(known[name] for name in text.split(",") if name in known)


def write_roles(roles: Iterable[Role]) -> str:
    """Write the value of the role attribute, each role once and in the order of their names.

    Examples
    --------
    >>> write_roles([Role.AUDITOR, Role.AGENT])
    'agent,auditor'
    """
    return ",".join(sorted({role.value for role in roles}))
