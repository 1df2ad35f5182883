"""What a request gets: the target systems and fields, and their prices, from what stands on the ledger.

Source: CN112508707B, [0085], [0089], [0090].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gridledger.chaincode.integrity import former_names
from gridledger.chaincode.ledger_key import (
    association_key,
    device_key,
    field_key,
    publication_key,
    rule_key,
    standard_key,
    system_key,
    user_key,
)
from gridledger.chaincode.redirect import follow_device, prefixes_of
from gridledger.model.agreement import AgreedField, AgreementTerms
from gridledger.model.catalogue import LEAST_SYSTEMS, Selector
from gridledger.model.device import ChargingStandard, Device, RegisteredField
from gridledger.model.errors import CryptoError
from gridledger.model.exchange_refusals import (
    Expired,
    FieldRefused,
    NotActive,
    NotAKeyDevice,
    NotPublished,
    SignatureRefused,
    TooFewSystems,
)
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.refusals import AccessDenied, NotFound
from gridledger.model.resolution import REQUEST_VALID_MS, Request, Rule, SignedRequest
from gridledger.model.signature import verify_signature
from gridledger.model.states import IdentifierState
from gridledger.model.system import System, SystemKind
from gridledger.model.time_mark import MAX_DISTANCE_MS
from gridledger.shim import Context, Key
from gridledger.shim.context import TIME_MARK

__all__ = ["DecidedField", "DecidedSystem", "Decision", "decide", "keys_of_request"]


@dataclass(frozen=True, kw_only=True)
class DecidedField:
    """A target field and the charging standard that holds now."""

    field: RegisteredField
    standard: ChargingStandard
    former: tuple[FieldIdentifier, ...] = ()
    """What it was called before, the newest name first."""

    def agreed(self, terms: AgreementTerms) -> AgreedField | None:
        """Return what was agreed of it, under this name or one that it had before."""
        found = (terms.agreed(name) for name in (self.field.identifier, *self.former))
        return next((one for one in found if one is not None), None)


@dataclass(frozen=True, kw_only=True)
class DecidedSystem:
    """A target system and its fields, of one device or several."""

    system: System
    fields: tuple[DecidedField, ...]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What the ledger says about a request."""

    root: SystemIdentifier
    rule: Rule
    targets: tuple[DecidedSystem, ...]


async def decide(ctx: Context, signed: SignedRequest) -> Decision:
    """Decide what a request gets.

    Raises
    ------
    NotFound
        No such application, user, function or device.
    NotActive
        The application or the scanned device is not active.
    AccessDenied
        The application is none, stands below another root, or its user has not the role.
    SignatureRefused, Expired
        The request is not signed by the application's agent, or is too old.
    NotAKeyDevice, TooFewSystems
        The device has no association catalogue; fewer than two systems would be targeted.
    FieldRefused, NotPublished
        A wanted field may not be had.

    Notes
    -----
    Reads by key in three rounds, and one more for every move of a device or prefix; their number does not
    depend on how much is registered.
    """
    request = signed.request
    await ctx.read_ahead(keys_of_request(request))
    root = await _check_caller(ctx, signed)
    rule = await ctx.require(rule_key(request.application, request.function))
    named = _chosen(request, rule)
    scanned = await _scanned(ctx, request)
    systems = list(dict.fromkeys(one.system for one in named))
    await ctx.read_ahead(
        [
            *(publication_key(request.application, system) for system in systems),
            *(system_key(system) for system in systems),
            *(association_key(root, identity) for identity in scanned.known_as),
        ]
    )
    chosen = await _published(ctx, request, named)
    candidates = await _candidates(ctx, root, request, scanned, chosen)
    targets = await _targets(ctx, request, candidates)
    if len(targets) < LEAST_SYSTEMS:
        raise TooFewSystems(f"fewer than {LEAST_SYSTEMS} systems answer for {request.device}")
    return Decision(root=root, rule=rule, targets=targets)


def keys_of_request(request: Request) -> list[Key[Any]]:
    """Name what a request alone says that a decision reads."""
    application = request.application
    return [
        TIME_MARK,
        system_key(application),
        user_key(application, request.user),
        rule_key(application, request.function),
        device_key(request.device),
    ]


async def _check_caller(ctx: Context, signed: SignedRequest) -> SystemIdentifier:
    """Check application, signature, age and user; return the root."""
    request = signed.request
    application = await ctx.require(system_key(request.application))
    root = application.root
    if application.profile.kind is not SystemKind.DATA_APPLICATION:
        raise AccessDenied(f"{request.application} is no data application")
    if not application.is_in_force(await ctx.now_ms()):
        raise NotActive(str(request.application), _state_of(application))
    if request.device.system.parent != root:
        raise AccessDenied(f"{request.device} does not stand below {root}")
    try:
        verify_signature(application.agent.public_key, request.to_bytes(), signed.signature)
    except CryptoError as error:
        raise SignatureRefused("request", str(request.application)) from error
    now_ms = await ctx.now_ms()
    if not now_ms - REQUEST_VALID_MS <= request.made_ms <= now_ms + MAX_DISTANCE_MS:
        raise Expired("the request is too old, or from the future")
    user = await ctx.require(user_key(request.application, request.user))
    if request.user_role not in user.roles:
        raise AccessDenied(f"user {request.user} has not the role {request.user_role}")
    return root


def _chosen(request: Request, rule: Rule) -> tuple[Selector, ...]:
    """Return the selectors that the request is about: those that it wants, or all of the rule."""
    if rule.roles is not None and request.user_role not in rule.roles:
        everything = tuple(str(one) for one in request.wanted or rule.selectors)
        raise FieldRefused(
            f"the rule of {request.function} does not admit {request.user_role} to", everything
        )
    allowed = set(rule.selectors)
    surplus = tuple(str(one) for one in request.wanted if one not in allowed)
    if surplus:
        raise FieldRefused(f"the rule of {request.function} does not have", surplus)
    return request.wanted or rule.selectors


async def _published(ctx: Context, request: Request, chosen: tuple[Selector, ...]) -> tuple[Selector, ...]:
    """Return the selectors that are published now: what an owner took back is out of all rules at once."""
    systems = list(dict.fromkeys(one.system for one in chosen))
    rows = await ctx.get_many([publication_key(request.application, system) for system in systems])
    names = {system: set(row.names) if row else set() for system, row in zip(systems, rows, strict=True)}
    missing = tuple(str(one) for one in chosen if one.name not in names[one.system])
    if missing and (request.wanted or len(missing) == len(chosen)):
        raise NotPublished(missing)
    return tuple(one for one in chosen if one.name in names[one.system])


async def _scanned(ctx: Context, request: Request) -> Device:
    """Return the scanned device, which is in force."""
    scanned = await follow_device(ctx, request.device)
    if not scanned.is_in_force(await ctx.now_ms()):
        raise NotActive(str(request.device), _state_of(scanned))
    return scanned


async def _candidates(
    ctx: Context,
    root: SystemIdentifier,
    request: Request,
    scanned: Device,
    chosen: tuple[Selector, ...],
) -> dict[DeviceIdentifier, list[FieldIdentifier]]:
    """Return the fields of the association catalogue that the selectors name, by device."""
    found = await ctx.get_many([association_key(root, identity) for identity in scanned.known_as])
    offered: dict[DeviceIdentifier, set[str]] = {}
    for association in found:
        for member in association.members if association is not None else ():
            offered.setdefault(member.device, set()).update(member.fields)
    if scanned.identifier not in offered:
        raise NotAKeyDevice(f"{request.device} stands in no association catalogue")
    candidates: dict[DeviceIdentifier, list[FieldIdentifier]] = {}
    lacking: list[str] = []
    prefixes = await prefixes_of(ctx, (selector.system for selector in chosen))
    for selector in chosen:
        systems = prefixes[selector.system]
        devices = [one for one, names in offered.items() if one.system in systems and selector.name in names]
        if not devices:
            lacking.append(str(selector))
        for device in devices:
            fields = candidates.setdefault(device, [])
            if (field := device.field(selector.name)) not in fields:  # named under two prefixes of its owner
                fields.append(field)
    if lacking and request.wanted:
        raise FieldRefused(f"the association catalogue of {request.device} does not have", tuple(lacking))
    return candidates


async def _targets(
    ctx: Context, request: Request, candidates: dict[DeviceIdentifier, list[FieldIdentifier]]
) -> tuple[DecidedSystem, ...]:
    """Return the targets: active systems and devices, with the fields that admit the user role."""
    fields = [field for of_device in candidates.values() for field in of_device]
    await ctx.read_ahead(
        [
            *(device_key(device) for device in candidates),
            *(system_key(device.system) for device in candidates),
            *(field_key(field) for field in fields),
            *(standard_key(field) for field in fields),
        ]
    )
    devices = await ctx.get_many([device_key(device) for device in candidates])
    systems = await ctx.get_many([system_key(device.system) for device in candidates])
    rows = await ctx.get_many([field_key(field) for field in fields])
    prices = await ctx.get_many([standard_key(field) for field in fields])
    by_name = dict(zip(candidates, devices, strict=True))
    former = [former_names(by_name[field.device], field.name) for field in fields]
    now_ms = await ctx.now_ms()
    found = [_decided(*one, now_ms) for one in zip(fields, rows, prices, former, strict=True)]
    decided = {one.field.identifier: one for one in found if one is not None}
    excluded = tuple(
        str(one) for one, known in decided.items() if request.user_role not in known.field.metadata.roles
    )
    if excluded and request.wanted:
        raise FieldRefused(f"the owner does not admit {request.user_role} to", excluded)
    owners: dict[SystemIdentifier, System] = {}
    admitted: dict[SystemIdentifier, list[DecidedField]] = {}
    for (identifier, names), device, system in zip(candidates.items(), devices, systems, strict=True):
        if system is None or not system.is_in_force(now_ms):
            continue
        if device is None or not device.is_in_force(now_ms):
            continue
        owners[system.identifier] = system
        admitted.setdefault(identifier.system, []).extend(
            decided[one] for one in names if one in decided and str(one) not in excluded
        )
    return tuple(
        DecidedSystem(system=owners[identifier], fields=tuple(fields_of_owner))
        for identifier, fields_of_owner in admitted.items()
        if fields_of_owner
    )


def _decided(
    field: FieldIdentifier,
    row: RegisteredField | None,
    price: ChargingStandard | None,
    former: tuple[FieldIdentifier, ...],
    now_ms: int,
) -> DecidedField | None:
    """Return a target field with the standard that holds now; None where it or its price is not in force."""
    if row is None or price is None:
        raise NotFound("field", str(field))
    standard = price.at(now_ms)
    if standard is None or not row.is_in_force(now_ms):
        return None
    return DecidedField(field=row, standard=standard, former=former)


def _state_of(record: System | Device) -> str:
    """Say why something is not in force."""
    return "not valid" if record.state is IdentifierState.ACTIVE else record.state.value
