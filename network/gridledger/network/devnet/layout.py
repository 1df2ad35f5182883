"""Which organisations' endorsements together satisfy what a transaction needs."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Final

from fabric_protos.peer import proposal_response_pb2

from gridledger.network.devnet.channel import Channel
from gridledger.network.devnet.definition import LIFECYCLE, Definitions
from gridledger.network.devnet.errors import Malformed, Refused
from gridledger.network.devnet.organisation import Organisation
from gridledger.network.devnet.policy import Policy
from gridledger.network.devnet.snapshot import Snapshot

__all__ = ["Layouts"]

_EXHAUSTIVE: Final = 10
"""Up to so many organisations all combinations are tried; of more, one after the other is left out."""
_KEPT: Final = 1024
_PREFIX: Final = "no combination of peers can be derived which satisfy the endorsement policy: "


class Layouts:
    """Finds the smallest sets of organisations that may endorse a transaction.

    Parameters
    ----------
    channel : Channel
        Policies and members.
    definitions : Definitions
        Chaincodes and collections.
    organisations : mapping of str to Organisation
        By MSP.
    """

    def __init__(
        self, channel: Channel, definitions: Definitions, organisations: Mapping[str, Organisation]
    ) -> None:
        self._channel = channel
        self._definitions = definitions
        self._organisations = organisations
        self._kept: OrderedDict[tuple[int, bytes, frozenset[str]], list[frozenset[str]]] = OrderedDict()

    def find(
        self, snapshot: Snapshot, interest: proposal_response_pb2.ChaincodeInterest, preferred: str | None
    ) -> list[frozenset[str]]:
        """Return sets of MSP ids in the order in which to try them.

        Parameters
        ----------
        snapshot : Snapshot
            The definitions that hold.
        interest : ChaincodeInterest
            Chaincodes, collections and policies of keys that the transaction touches.
        preferred : str, optional
            An organisation whose endorsement is there already: sets with it come first.

        Raises
        ------
        Refused
            If no set does; the message is what Fabric's discovery says.
        """
        runners = frozenset(
            msp_id
            for msp_id, organisation in self._organisations.items()
            if all(organisation.runs(snapshot, call.name) for call in interest.chaincodes)
        )
        key = (snapshot.lifecycle_height, interest.SerializeToString(deterministic=True), runners)
        layouts = self._kept.get(key)
        if layouts is None:
            layouts = self._kept[key] = self._compute(snapshot, interest, runners)
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        # As Fabric's gateway: at random, but those with the endorsement that is there come first.
        shuffled = random.sample(layouts, len(layouts))
        return sorted(shuffled, key=lambda layout: preferred not in layout)

    def _compute(
        self,
        snapshot: Snapshot,
        interest: proposal_response_pb2.ChaincodeInterest,
        runners: frozenset[str],
    ) -> list[frozenset[str]]:
        try:
            members = self._members(snapshot, interest)
            policies = self._policies(snapshot, interest)
        except (Refused, Malformed) as refusal:
            raise Refused(f"{_PREFIX}{refusal.message}") from refusal
        if not self._minimal(members, policies):
            raise Refused(f"{_PREFIX}no peer combination can satisfy the endorsement policy")
        layouts = self._minimal(sorted(runners.intersection(members)), policies)
        if not layouts:
            raise Refused(f"{_PREFIX}required chaincodes are not installed on sufficient peers")
        return layouts

    def _members(self, snapshot: Snapshot, interest: proposal_response_pb2.ChaincodeInterest) -> list[str]:
        """Return the organisations that may see the private data which is read."""
        allowed = sorted(self._organisations)
        for call in interest.chaincodes:
            if call.name != LIFECYCLE and self._definitions.get(snapshot, call.name) is None:
                raise Refused(
                    f"No metadata was found for chaincode {call.name} in channel {self._channel.channel_id}"
                )
            if call.no_private_reads:
                continue
            collections = self._definitions.collections(snapshot, call.name) or {}
            for name in call.collection_names:
                if name not in collections:
                    raise Refused(
                        f"collection {name} doesn't exist in collection config for chaincode {call.name}"
                    )
                members = collections[name].members
                allowed = [
                    msp_id
                    for msp_id in allowed
                    if self._channel.member(self._organisations[msp_id].identity, members)
                ]
        return allowed

    def _policies(
        self, snapshot: Snapshot, interest: proposal_response_pb2.ChaincodeInterest
    ) -> list[Policy]:
        policies: list[Policy] = []
        for call in interest.chaincodes:
            of_chaincode = self._definitions.endorsement_policy(snapshot, call.name)
            if of_chaincode is None:
                raise Refused("policy not found")
            policies += [
                self._definitions.collection_policy(snapshot, call.name, name) or of_chaincode
                for name in call.collection_names
            ]
            if not call.collection_names and not call.disregard_namespace_policy:
                policies.append(of_chaincode)
            policies += [
                self._channel.policies.signature_policy(envelope.SerializeToString())
                for envelope in call.key_policies
            ]
        return policies

    def _minimal(self, candidates: Sequence[str], policies: Sequence[Policy]) -> list[frozenset[str]]:
        """Return the sets that satisfy all policies and of which no part does."""
        if not self._satisfied(candidates, policies):
            return []
        if len(candidates) > _EXHAUSTIVE:
            kept = list(candidates)
            for msp_id in candidates:
                rest = [other for other in kept if other != msp_id]
                if self._satisfied(rest, policies):
                    kept = rest
            return [frozenset(kept)]
        found: list[frozenset[str]] = []
        for size in range(1, len(candidates) + 1):
            for combination in combinations(candidates, size):
                layout = frozenset(combination)
                if not any(part <= layout for part in found) and self._satisfied(combination, policies):
                    found.append(layout)
        return found

    def _satisfied(self, msp_ids: Sequence[str], policies: Sequence[Policy]) -> bool:
        identities = [self._organisations[msp_id].identity for msp_id in msp_ids]
        try:
            for policy in policies:
                policy.check(identities)
        except Refused:
            return False
        return True
