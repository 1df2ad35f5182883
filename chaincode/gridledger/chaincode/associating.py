"""Association: which devices are one, and what stands in the catalogue of a key device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from gridledger.chaincode.batch import accepted, refused
from gridledger.chaincode.ledger_key import (
    association_key,
    candidate_key,
    common_identity_key,
    device_key,
)
from gridledger.chaincode.rivals import rivals_among, write_conflicts
from gridledger.model.association import AssociationCandidate, CandidateEntry, DevicePair
from gridledger.model.catalogue import LEAST_SYSTEMS, Association, AssociationMember
from gridledger.model.device import (
    LABEL_SCHEME,
    MAX_DEVICES_AN_IDENTITY,
    MAX_IDENTITIES_A_DEVICE,
    CommonIdentity,
    DeclaredIdentity,
    Device,
    ItemResult,
)
from gridledger.model.exchange_refusals import NotAKeyDevice
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.refusals import AccessDenied, AlreadyExists, Conflict, LimitExceeded
from gridledger.model.states import CandidateState, Doubt, IdentifierState
from gridledger.shim import Context

__all__ = ["decide_candidate", "deposit_associations", "propose_candidate"]

_Identities = Sequence[DeclaredIdentity]


async def deposit_associations(
    ctx: Context, root: SystemIdentifier, identities: _Identities
) -> tuple[tuple[ItemResult, ...], tuple[DeclaredIdentity, ...]]:
    """Write association catalogues, candidates for what is in doubt, and conflicts.

    Returns
    -------
    tuple of results and identities
        A result per identity; the identities whose catalogue changed.

    Notes
    -----
    At most six reads, whatever the number of identities.
    """
    distinct = list(dict.fromkeys(identities))
    rows = await ctx.get_many([common_identity_key(root, identity) for identity in distinct])
    present = await ctx.get_many([association_key(root, identity) for identity in distinct])
    wanted = list(dict.fromkeys(device for row in rows if row is not None for device in row.devices))
    found = await ctx.get_many([device_key(device) for device in wanted])
    devices = {device.identifier: device for device in found if device is not None}
    groups = {
        identity: [
            devices[one]
            for one in (row.devices if row is not None else ())
            if one in devices and devices[one].state is not IdentifierState.REVOKED
        ]
        for identity, row in zip(distinct, rows, strict=True)
    }
    candidates = await _candidates(ctx, root, groups.values())
    now_ms = await ctx.now_ms()
    members: dict[DeclaredIdentity, tuple[AssociationMember, ...]] = {}
    for identity, group in groups.items():
        certain, doubted = _admit(group, candidates)
        members[identity] = tuple(
            AssociationMember(device=device.identifier, fields=device.fields) for device in certain
        )
        for pair in doubted:
            if pair not in candidates:
                entry = CandidateEntry(devices=pair, identity=identity)
                candidates[pair] = _new_candidate(root, entry, Doubt.CONTRADICTION, now_ms)
                await ctx.put(candidate_key(root, pair), candidates[pair])
    rivals = await rivals_among(ctx, members)
    earlier = {
        identity: association.conflicts or ()
        for identity, association in zip(distinct, present, strict=True)
        if association is not None
    }
    await write_conflicts(ctx, root, rivals, earlier, now_ms)
    outcomes: dict[DeclaredIdentity, ItemResult] = {}
    changed: list[DeclaredIdentity] = []
    for identity, before in zip(distinct, present, strict=True):
        if before is None and len({one.device.system for one in members[identity]}) < LEAST_SYSTEMS:
            error = NotAKeyDevice(f"fewer than {LEAST_SYSTEMS} systems declare {identity} beyond doubt")
            outcomes[identity] = refused(str(identity), error)
            continue
        outcomes[identity] = accepted(str(identity))
        names = tuple(sorted(rivals.get(identity, {}))) or None
        association = _next(root, identity, members[identity], names, before, now_ms)
        if association is not before:
            await ctx.put(association_key(root, identity), association)
            changed.append(identity)
    return tuple(outcomes[identity] for identity in identities), tuple(changed)


async def propose_candidate(
    ctx: Context, root: SystemIdentifier, by: SystemIdentifier, entry: CandidateEntry
) -> AssociationCandidate:
    """Write a candidate for two devices of which one declares the identity.

    Raises
    ------
    AccessDenied
        A device stands below another root, or `by` is neither the root nor an owner.
    AlreadyExists
        The pair was proposed before.
    Conflict
        None of both declares the identity, or both do.
    """
    pair = entry.devices
    if any(system.parent != root for system in pair.systems()):
        raise AccessDenied(f"both devices stand below {root}")
    if by != root and by not in pair.systems():
        raise AccessDenied(f"{by} owns none of the devices")
    devices = [await ctx.require(device_key(one)) for one in (pair.first, pair.second)]
    names = _pairs(*devices)
    for name, row in zip(names, await ctx.get_many([candidate_key(root, one) for one in names]), strict=True):
        if row is not None:
            raise AlreadyExists("association candidate", f"{name.first} {name.second}")
    if sum(entry.identity in device.known_as for device in devices) != 1:
        raise Conflict(f"one of both devices declares {entry.identity}, and the other does not")
    candidate = _new_candidate(root, entry, Doubt.SIMILAR, await ctx.now_ms())
    if by in pair.systems():
        candidate = replace(candidate, confirmed_by=(by,))
    await ctx.put(candidate_key(root, pair), candidate)
    return candidate


async def decide_candidate(
    ctx: Context, root: SystemIdentifier, by: SystemIdentifier, pair: DevicePair, *, confirm: bool
) -> AssociationCandidate:
    """Write an owner's word on a candidate; with both owners' it becomes an association.

    Raises
    ------
    NotFound
        There is no such candidate.
    AccessDenied
        `by` owns none of the devices.
    Conflict
        It is decided, or `by` has confirmed it before.
    LimitExceeded
        The identity has too many devices, or the device too many identities.
    """
    candidate = await ctx.require(candidate_key(root, pair))
    if by not in pair.systems():
        raise AccessDenied(f"{by} owns none of the devices")
    if candidate.state is not CandidateState.PROPOSED:
        raise Conflict(f"the candidate is {candidate.state.value}")
    if confirm and by in candidate.confirmed_by:
        raise Conflict(f"{by} has confirmed it")
    now_ms = await ctx.now_ms()
    if not confirm:
        decided = replace(candidate, state=CandidateState.REJECTED, decided_ms=now_ms)
    elif candidate.confirmed_by:
        decided = replace(
            candidate,
            state=CandidateState.CONFIRMED,
            confirmed_by=(*candidate.confirmed_by, by),
            decided_ms=now_ms,
        )
        if candidate.doubt is Doubt.SIMILAR:
            await _declare(ctx, root, candidate)
    else:
        decided = replace(candidate, confirmed_by=(by,))
    await ctx.put(candidate_key(root, pair), decided)
    return decided


async def _declare(ctx: Context, root: SystemIdentifier, candidate: AssociationCandidate) -> None:
    """Let both devices declare the identity, now that both owners say so."""
    identity, pair = candidate.identity, candidate.devices
    row = await ctx.get(common_identity_key(root, identity))
    members = list(row.devices) if row is not None else []
    for identifier in (pair.first, pair.second):
        if identifier in members:
            continue
        members.append(identifier)
        device = await ctx.require(device_key(identifier))
        if identity in device.known_as:
            continue
        if len(device.identities) >= MAX_IDENTITIES_A_DEVICE:
            raise LimitExceeded(
                f"identities of {identifier}",
                limit=MAX_IDENTITIES_A_DEVICE,
                actual=len(device.identities) + 1,
            )
        await ctx.put(device_key(identifier), replace(device, identities=(*device.identities, identity)))
    if len(members) > MAX_DEVICES_AN_IDENTITY:
        raise LimitExceeded(f"devices of {identity}", limit=MAX_DEVICES_AN_IDENTITY, actual=len(members))
    row = CommonIdentity(identity=identity, devices=tuple(members))
    await ctx.put(common_identity_key(root, identity), row)


async def _candidates(
    ctx: Context, root: SystemIdentifier, groups: Iterable[Sequence[Device]]
) -> dict[DevicePair, AssociationCandidate]:
    """Return the candidates that stand for pairs in doubt, under the names that devices had, too."""
    doubted = {
        DevicePair.of(one.identifier, other.identifier): _pairs(one, other)
        for group in groups
        for number, one in enumerate(group)
        for other in group[:number]
        if _contradict(one, other)
    }
    wanted = [(pair, name) for pair, names in doubted.items() for name in names]
    rows = await ctx.get_many([candidate_key(root, name) for _, name in wanted])
    found: dict[DevicePair, AssociationCandidate] = {}
    for (pair, _), row in zip(wanted, rows, strict=True):
        if row is not None:
            found.setdefault(pair, row)  # the newest names come first
    return found


def _pairs(one: Device, other: Device) -> list[DevicePair]:
    """Return the pair under all names that both devices have and had, the present ones first."""
    mine, theirs = ((device.identifier, *reversed(device.former or ())) for device in (one, other))
    return [DevicePair.of(name, counterpart) for name in mine for counterpart in theirs]


def _admit(
    group: Sequence[Device], candidates: Mapping[DevicePair, AssociationCandidate]
) -> tuple[list[Device], list[DevicePair]]:
    """Return the devices that are one beyond doubt, in the order of registration, and pairs in doubt."""
    certain: list[Device] = []
    doubted: list[DevicePair] = []
    for device in group:
        pairs = [
            DevicePair.of(device.identifier, other.identifier)
            for other in certain
            if _contradict(device, other)
        ]
        open_pairs = [
            pair
            for pair in pairs
            if pair not in candidates or candidates[pair].state is not CandidateState.CONFIRMED
        ]
        if open_pairs:
            doubted.extend(open_pairs)
        else:
            certain.append(device)
    return certain, doubted


def _contradict(one: Device, other: Device) -> bool:
    """Tell whether two systems' devices declare different values of one scheme and agree on none of it."""
    if one.identifier.system == other.identifier.system:
        return False
    mine, theirs = _values(one), _values(other)
    return any(mine[scheme].isdisjoint(theirs[scheme]) for scheme in mine.keys() & theirs.keys())


def _values(device: Device) -> dict[str, set[str]]:
    values: dict[str, set[str]] = {}
    for identity in device.identities:
        if identity.scheme != LABEL_SCHEME:
            values.setdefault(identity.scheme, set()).add(identity.value)
    return values


def _new_candidate(
    root: SystemIdentifier, entry: CandidateEntry, doubt: Doubt, now_ms: int
) -> AssociationCandidate:
    return AssociationCandidate(
        root=root,
        devices=entry.devices,
        identity=entry.identity,
        doubt=doubt,
        state=CandidateState.PROPOSED,
        confirmed_by=(),
        proposed_ms=now_ms,
    )


def _next(
    root: SystemIdentifier,
    identity: DeclaredIdentity,
    members: tuple[AssociationMember, ...],
    conflicts: tuple[str, ...] | None,
    earlier: Association | None,
    now_ms: int,
) -> Association:
    """Return the catalogue of a common identity: `earlier` itself, if nothing has changed."""
    if earlier is None:
        return Association(
            root=root,
            identity=identity,
            members=members,
            revision=1,
            deposited_ms=now_ms,
            conflicts=conflicts,
        )
    if (earlier.members, earlier.conflicts) == (members, conflicts):
        return earlier
    return replace(
        earlier, members=members, conflicts=conflicts, revision=earlier.revision + 1, deposited_ms=now_ms
    )
