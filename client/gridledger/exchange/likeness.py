"""Identities that resemble one another: written otherwise, and probably the same.

What is alike is a proposal and no more: both owners decide (`catalogue:ConfirmAssociation`).
"""

from __future__ import annotations

from collections.abc import Iterable

from gridledger.model.association import CandidateEntry, DevicePair
from gridledger.model.device import DeclaredIdentity, Device
from gridledger.model.identifier import DeviceIdentifier
from gridledger.model.states import IdentifierState

__all__ = ["alike", "normal_form"]

_LEAST_CHARACTERS = 3
"""Shorter normal forms say too little: every plant has an inverter 1."""


def normal_form(identity: DeclaredIdentity) -> str:
    """Return what is left of an identity's value without case, separators and leading zeros of its numbers.

    Examples
    --------
    >>> normal_form(DeclaredIdentity(scheme="serial", value="SN-0012/34"))
    'sn12.34'
    >>> normal_form(DeclaredIdentity(scheme="serial", value="sn 12.034".replace(" ", "")))
    'sn12.34'
    """
    parts: list[str] = []
    for character in identity.value.lower():
        kind = "digit" if character.isdigit() else "letter" if character.isalpha() else ""
        if not kind:
            parts.append("")
        elif parts and parts[-1] and parts[-1][-1].isdigit() == (kind == "digit"):
            parts[-1] += character
        else:
            parts.append(character)
    words = [part.lstrip("0") or "0" if part.isdigit() else part for part in parts if part]
    text = ""
    for word in words:
        text += "." + word if text and text[-1].isdigit() and word.isdigit() else word
    return text


def alike(devices: Iterable[Device]) -> tuple[CandidateEntry, ...]:
    """Return pairs of different systems' devices that declare identities alike and none in common.

    Parameters
    ----------
    devices : iterable of Device
        Of several systems; revoked ones do not count.

    Returns
    -------
    tuple of CandidateEntry
        Each pair once, by the identity of the device that was registered first.

    Notes
    -----
    One pass over the devices, then over those that share a scheme and a normal form.
    """
    alive = [one for one in devices if one.state is not IdentifierState.REVOKED]
    alive.sort(key=lambda one: (one.registered_ms, str(one.identifier)))
    groups: dict[tuple[str, str], list[tuple[Device, DeclaredIdentity]]] = {}
    for device in alive:
        for identity in device.identities:
            form = normal_form(identity)
            if identity.labelled is None and len(form) >= _LEAST_CHARACTERS:
                groups.setdefault((identity.scheme, form), []).append((device, identity))
    found: dict[tuple[DeviceIdentifier, DeviceIdentifier], CandidateEntry] = {}
    for group in groups.values():
        for number, (later, _) in enumerate(group):
            for earlier, identity in group[:number]:
                if earlier.identifier.system == later.identifier.system:
                    continue
                if set(earlier.known_as).isdisjoint(later.known_as):
                    pair = DevicePair.of(earlier.identifier, later.identifier)
                    entry = CandidateEntry(devices=pair, identity=identity)
                    found.setdefault((pair.first, pair.second), entry)
    return tuple(found.values())
