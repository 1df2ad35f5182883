"""Names that an authority knows: what one is to be registered with, and what is registered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from gridledger.client.ca.reply import Result
from gridledger.model.errors import ConfigError
from gridledger.model.roles import CertificateAttribute, Role, write_roles

__all__ = ["RegisteredIdentity", "Registration"]

_TYPES: Final = ("client", "peer", "orderer", "admin")
_LONGEST_NAME: Final = 64
_OF_THE_AUTHORITY: Final = "hf."
"""Attributes by which Fabric CA itself decides; it sets some of them for everybody."""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A name, and what its certificates shall say.

    Raises
    ------
    ConfigError
        When a value is none that Fabric CA takes.

    Examples
    --------
    >>> registration = Registration(name="agent1", roles=[Role.AGENT])
    >>> registration.to_value("ca-org1")["attrs"]
    [{'name': 'gridledger.role', 'value': 'agent', 'ecert': True}]
    """

    name: str
    """1 to 64 characters without a colon; it becomes the certificate's common name."""

    type: str = "client"
    """What it is by Fabric's node units: client, peer, orderer or admin."""

    affiliation: str = ""
    """Where it belongs, such as ``org1.department1``; the registrar's own by default."""

    roles: Sequence[Role] = ()
    """Its roles in GridLedger's contracts."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    """Further attributes that stand in its certificates."""

    rights: Mapping[str, str] = field(default_factory=dict)
    """Attributes by which the authority decides (``hf.…``); they stand in no certificate."""

    max_enrolments: int | None = None
    """How often the secret is good; None for what the authority has set, -1 for any number."""

    def __post_init__(self) -> None:
        def refused(key: str, why: str) -> ConfigError:
            return ConfigError(why, key=key, source="Registration", value=repr(getattr(self, key))[:80])

        if not 0 < len(self.name) <= _LONGEST_NAME or ":" in self.name or not self.name.isprintable():
            raise refused("name", "want 1 to 64 characters, no colon")
        if self.type not in _TYPES:
            raise refused("type", f"want one of {', '.join(_TYPES)}")
        if any(not name or name.startswith(_OF_THE_AUTHORITY) for name in self.attributes):
            raise refused("attributes", "want names that do not begin with hf.")
        if any(not name.startswith(_OF_THE_AUTHORITY) for name in self.rights):
            raise refused("rights", "want names that begin with hf.")
        if self.roles and CertificateAttribute.ROLE in self.attributes:
            raise refused("attributes", "has roles that are given as roles, too")
        if self.max_enrolments is not None and self.max_enrolments < -1:
            raise refused("max_enrolments", "want -1, or a number")

    @property
    def certificate_attributes(self) -> dict[str, str]:
        """What stands in the certificates: attributes and roles."""
        roles = write_roles(self.roles)
        return dict(self.attributes) | ({CertificateAttribute.ROLE.value: roles} if roles else {})

    def to_value(self, ca_name: str, secret: str = "") -> dict[str, object]:
        """Return the body of a request; without a secret the authority draws one."""
        attributes: list[dict[str, object]] = [
            {"name": name, "value": value, "ecert": True}
            for name, value in sorted(self.certificate_attributes.items())
        ]
        attributes += [{"name": name, "value": value} for name, value in sorted(self.rights.items())]
        value: dict[str, object] = {
            "id": self.name,
            "type": self.type,
            "affiliation": self.affiliation,
            "attrs": attributes,
            "caname": ca_name,
        }
        if self.max_enrolments is not None:
            value["max_enrollments"] = self.max_enrolments
        if secret:
            value["secret"] = secret
        return value


@dataclass(frozen=True, kw_only=True)
class RegisteredIdentity:
    """A name as the authority knows it."""

    name: str
    """Its name."""

    type: str
    """Such as client or peer; authorities may know others."""

    affiliation: str
    """Where it belongs; empty for the root of all."""

    attributes: Mapping[str, str]
    """Its attributes, those of the authority's own among them."""

    max_enrolments: int
    """How often its secret is good; -1 for any number."""

    @classmethod
    def read(cls, result: Result) -> Self:
        """Read it from an answer; CaReplyInvalid when it is none."""
        return cls(
            name=result.text("id"),
            type=result.text("type", ""),
            affiliation=result.text("affiliation", ""),
            attributes={one.text("name"): one.text("value", "") for one in result.items("attrs")},
            max_enrolments=result.number("max_enrollments", 0),
        )
