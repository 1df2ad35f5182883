"""Who acts for a system, and who belongs to the platform; roles stand at each function's declaration."""

from __future__ import annotations

from cryptography.x509.oid import NameOID

from gridledger.chaincode.ledger_key import system_key
from gridledger.model.errors import CryptoError
from gridledger.model.exchange_refusals import NotActive, NotTheAgent
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lifecycle import Actor
from gridledger.model.refusals import AccessDenied
from gridledger.model.roles import Role
from gridledger.model.signature import public_key_of
from gridledger.model.states import IdentifierState
from gridledger.model.system import Agent, System, SystemKind
from gridledger.shim import Context

__all__ = [
    "acting_party",
    "acting_system",
    "agent_of_caller",
    "is_agent",
    "require_agent",
    "require_platform",
]


def agent_of_caller(ctx: Context) -> Agent:
    """Return the identity that calls, as systems name their agents.

    Raises
    ------
    AccessDenied
        Its key is not on P-256.
    ModelError
        Its certificate is not X.509, or has no common name.
    """
    names = ctx.creator.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Agent(
        msp_id=ctx.msp_id, subject=str(names[0].value) if names else "", public_key=_key_of_caller(ctx)
    )


def is_agent(ctx: Context, agent: Agent) -> bool:
    """Tell whether the caller is an agent: of its organisation, with its key."""
    return ctx.msp_id == agent.msp_id and _key_of_caller(ctx) == agent.public_key


def require_agent(ctx: Context, system: System, *, winding_up: bool = False) -> None:
    """Refuse a caller that does not act for the system, and a system that is not active.

    Parameters
    ----------
    winding_up : bool, default False
        Whether a system that is suspended or revoked may do it: settle, claim and answer what was ordered
        before. Otherwise who is suspended could not defend its money.

    Raises
    ------
    NotTheAgent
        Another organisation or another key.
    NotActive
        The system is suspended or revoked.

    Notes
    -----
    The key decides, not the subject: a renewed certificate of the same key goes on.
    """
    if not is_agent(ctx, system.agent):
        raise NotTheAgent(str(system.identifier))
    if system.state is not IdentifierState.ACTIVE and not winding_up:
        raise NotActive(str(system.identifier), system.state.value)


async def acting_system(
    ctx: Context, identifier: SystemIdentifier, kind: SystemKind | None = None, *, winding_up: bool = False
) -> System:
    """Return the active system for which the caller acts; see `require_agent`.

    Raises
    ------
    NotFound, NotTheAgent, NotActive
        There is no such system, the caller is not its agent, it is not active.
    AccessDenied
        The system is of another kind.
    """
    system = await ctx.require(system_key(identifier))
    require_agent(ctx, system, winding_up=winding_up)
    if kind is not None and system.profile.kind is not kind:
        raise AccessDenied(f"{identifier} is no {kind.value}")
    return system


async def acting_party(ctx: Context, identifier: SystemIdentifier) -> tuple[System, Actor]:
    """Return a system, and as whom the caller acts on what is its: as the owner or for the platform.

    Raises
    ------
    NotFound
        There is no such system.
    NotTheAgent
        The caller is neither its agent nor an auditor.
    NotActive
        The caller is its agent, and the system is not active.
    AccessDenied
        The caller is an auditor of another platform.
    """
    system = await ctx.require(system_key(identifier))
    if is_agent(ctx, system.agent) or Role.AUDITOR not in ctx.roles:
        require_agent(ctx, system)
        return system, Actor.OWNER
    await require_platform(ctx, system.root)
    return system, Actor.PLATFORM


async def require_platform(ctx: Context, root: SystemIdentifier) -> System:
    """Return the root's aggregation system, if the caller is of its organisation.

    Raises
    ------
    NotFound
        Nothing is established under this root.
    AccessDenied
        It is no root, or the caller's organisation is not its platform, whose auditors and administrators
        alone count here.
    """
    aggregation = await ctx.require(system_key(root))
    if aggregation.profile.kind is not SystemKind.AGGREGATION_SYSTEM:
        raise AccessDenied(f"{root} is no root")
    if ctx.msp_id != aggregation.agent.msp_id:
        raise AccessDenied(f"{ctx.msp_id} is not the platform of {root}")
    return aggregation


def _key_of_caller(ctx: Context) -> bytes:
    try:
        return public_key_of(ctx.creator.certificate)
    except CryptoError as error:
        raise AccessDenied("an agent's key is on P-256") from error
