"""The difference between two configurations of a channel, as a configuration update that Fabric accepts.

An update names what it has read with its versions, and what it writes with versions that are one higher: an
orderer refuses it if anything of it has changed meanwhile. A group's version rises when a member comes or
goes; it then lists all its members.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fabric_protos.common import configtx_pb2

__all__ = ["configuration_update", "updated_group"]

# Messages of the official protos; their package has no type stubs.
Message = Any


def configuration_update(channel: str, current: Message, wanted: Message) -> bytes:
    """Return the update from one configuration to another.

    Parameters
    ----------
    channel : str
        Name of the channel.
    current, wanted : common.ConfigGroup
        The channel's groups; versions in `wanted` say nothing.

    Returns
    -------
    bytes
        A ``common.ConfigUpdate``; its bytes are the same for the same configurations.

    Raises
    ------
    ValueError
        If both are the same.

    Notes
    -----
    Linear in the size of the configurations.
    """
    read, write = configtx_pb2.ConfigGroup(), configtx_pb2.ConfigGroup()
    if not _compare_groups(current, wanted, read, write):
        raise ValueError("both configurations are the same")
    update = configtx_pb2.ConfigUpdate(channel_id=channel, read_set=read, write_set=write)
    return bytes(update.SerializeToString(deterministic=True))


def updated_group(current: Message, wanted: Message) -> Message:
    """Return what the channel's groups are once the update has been committed: `wanted` with its versions."""
    updated = configtx_pb2.ConfigGroup()
    updated.CopyFrom(wanted)
    _set_versions(current, updated)
    return updated


def _compare_groups(current: Message, wanted: Message, read: Message, write: Message) -> bool:
    """Fill a group's part of the two sets; tell whether anything differs in it or below."""
    is_regrouped = current.mod_policy != wanted.mod_policy or any(
        set(getattr(current, members)) != set(getattr(wanted, members))
        for members in ("groups", "values", "policies")
    )
    read.version = current.version
    write.version = current.version + is_regrouped
    write.mod_policy = wanted.mod_policy if is_regrouped else ""
    differs = is_regrouped
    for members, is_same in _LEAVES:
        olds, news = getattr(current, members), getattr(wanted, members)
        for name in sorted(news):
            if name not in olds:
                _copy(news[name], getattr(write, members)[name], version=0)
            elif not is_same(olds[name], news[name]):
                differs = True
                _copy(news[name], getattr(write, members)[name], version=olds[name].version + 1)
            elif is_regrouped:
                getattr(read, members)[name].version = olds[name].version
                getattr(write, members)[name].version = olds[name].version
    for name in sorted(wanted.groups):
        if name not in current.groups:
            write.groups[name].CopyFrom(wanted.groups[name])
            _clear_versions(write.groups[name])
            continue
        below_read, below_write = configtx_pb2.ConfigGroup(), configtx_pb2.ConfigGroup()
        is_other = _compare_groups(current.groups[name], wanted.groups[name], below_read, below_write)
        if is_other or is_regrouped:
            read.groups[name].CopyFrom(below_read)
            write.groups[name].CopyFrom(below_write)
        differs = differs or is_other
    return differs


def _set_versions(current: Message | None, updated: Message) -> None:
    if current is None:
        _clear_versions(updated)
        return
    is_regrouped = current.mod_policy != updated.mod_policy or any(
        set(getattr(current, members)) != set(getattr(updated, members))
        for members in ("groups", "values", "policies")
    )
    updated.version = current.version + is_regrouped
    for members, is_same in _LEAVES:
        olds, news = getattr(current, members), getattr(updated, members)
        for name in news:
            if name not in olds:
                news[name].version = 0
            else:
                news[name].version = olds[name].version + (not is_same(olds[name], news[name]))
    for name in updated.groups:
        _set_versions(current.groups.get(name), updated.groups[name])


def _clear_versions(group: Message) -> None:
    group.version = 0
    for leaves in (group.values, group.policies):
        for name in leaves:
            leaves[name].version = 0
    for name in group.groups:
        _clear_versions(group.groups[name])


def _copy(source: Message, target: Message, *, version: int) -> None:
    target.CopyFrom(source)
    target.version = version


def _same_value(one: Message, other: Message) -> bool:
    return bool(one.value == other.value and one.mod_policy == other.mod_policy)


def _same_policy(one: Message, other: Message) -> bool:
    return bool(one.policy == other.policy and one.mod_policy == other.mod_policy)


_LEAVES: tuple[tuple[str, Callable[[Message, Message], bool]], ...] = (
    ("values", _same_value),
    ("policies", _same_policy),
)
