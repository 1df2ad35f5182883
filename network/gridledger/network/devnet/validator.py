"""Validation: which of a block's transactions hold, by signatures, policies and versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fabric_protos.peer import proposal_pb2
from google.protobuf.message import DecodeError

from gridledger.client.validation import ValidationCode
from gridledger.network.devnet.channel import Channel
from gridledger.network.devnet.definition import LIFECYCLE, Definitions
from gridledger.network.devnet.errors import Malformed, Refused
from gridledger.network.devnet.identity import Identity
from gridledger.network.devnet.mvcc import apply_writes, check_reads
from gridledger.network.devnet.policy import Policy
from gridledger.network.devnet.rwset import NamespaceReadWrites
from gridledger.network.devnet.simulator import VALIDATION_PARAMETER
from gridledger.network.devnet.snapshot import Snapshot
from gridledger.network.devnet.state import UpdateBatch, Version, read_metadata
from gridledger.network.devnet.transaction import Action, Transaction

__all__ = ["ValidatedBlock", "Validator"]


@dataclass(frozen=True, kw_only=True)
class ValidatedBlock:
    """The outcome of a block's validation.

    Parameters
    ----------
    codes : list of int
        A validation code a transaction.
    updates : UpdateBatch
        What the valid ones change.
    valid : list of (int, str, tuple)
        Place, id and read-write set of the valid ones.
    """

    codes: list[int]
    updates: UpdateBatch
    valid: list[tuple[int, str, tuple[NamespaceReadWrites, ...]]]

    @property
    def changes_lifecycle(self) -> bool:
        """Whether a definition or an approval changes."""
        return any(namespace == LIFECYCLE for namespace, _, _ in self.updates.changes)


class Validator:
    """Validates blocks as every peer of the channel would.

    Parameters
    ----------
    channel : Channel
        Identities and policies.
    definitions : Definitions
        Endorsement policies of chaincodes and collections.
    """

    def __init__(self, channel: Channel, definitions: Definitions) -> None:
        self._channel = channel
        self._definitions = definitions

    def validate(
        self, number: int, transactions: Sequence[Transaction], snapshot: Snapshot
    ) -> ValidatedBlock:
        """Validate a block's transactions in their order.

        Parameters
        ----------
        number : int
            The block's number.
        transactions : sequence of Transaction
            What it holds.
        snapshot : Snapshot
            The state before it.
        """
        _read_ahead(transactions, snapshot)
        changed_policies: set[tuple[str, str, str | bytes]] = set()
        seen: set[str] = set()
        codes = []
        for transaction in transactions:
            code = self._check(transaction, snapshot, changed_policies)
            if code == ValidationCode.VALID:
                if transaction.transaction_id in seen:
                    code = ValidationCode.DUPLICATE_TXID
                else:
                    seen.add(transaction.transaction_id)
            codes.append(code)
        updates = UpdateBatch()
        valid = []
        for index, transaction in enumerate(transactions):
            if codes[index] != ValidationCode.VALID or transaction.action is None:
                continue
            read_write_set = transaction.action.read_write_set
            codes[index] = check_reads(read_write_set, snapshot, updates)
            if codes[index] == ValidationCode.VALID:
                apply_writes(read_write_set, snapshot, updates, Version(number, index))
                valid.append((index, transaction.transaction_id, read_write_set))
        return ValidatedBlock(codes=codes, updates=updates, valid=valid)

    def _check(
        self,
        transaction: Transaction,
        snapshot: Snapshot,
        changed_policies: set[tuple[str, str, str | bytes]],
    ) -> int:
        """Return VALID or why a transaction's signatures, form or endorsements do not do."""
        if (
            transaction.code in (ValidationCode.BAD_PAYLOAD, ValidationCode.BAD_COMMON_HEADER)
            or transaction.signed is None
        ):
            return transaction.code
        try:
            self._channel.msps.verify(transaction.signed).validate()
        except Refused:
            return ValidationCode.BAD_CREATOR_SIGNATURE
        action = transaction.action
        if transaction.code != ValidationCode.VALID and transaction.code not in _AFTER_DUPLICATES:
            return transaction.code
        if transaction.channel_header.channel_id != self._channel.channel_id:
            return ValidationCode.BAD_CREATOR_SIGNATURE
        if snapshot.transaction(transaction.transaction_id) is not None:
            return ValidationCode.DUPLICATE_TXID
        if action is None:
            return transaction.code
        code = self._check_action(transaction, action, snapshot, changed_policies)
        if code == ValidationCode.VALID:
            changed_policies.update(_changed_policies(action))
        return code

    def _check_action(
        self,
        transaction: Transaction,
        action: Action,
        snapshot: Snapshot,
        changed_policies: set[tuple[str, str, str | bytes]],
    ) -> int:
        name = _addressed(transaction)
        result = action.result
        if not name or not result.HasField("chaincode_id"):
            return ValidationCode.INVALID_OTHER_REASON
        if name != result.chaincode_id.name or not result.chaincode_id.version:
            return ValidationCode.INVALID_CHAINCODE
        if action.event is not None and action.event.chaincode_id != name:
            return ValidationCode.INVALID_OTHER_REASON
        namespaces = [part.name for part in action.read_write_set]
        if len(set(namespaces)) != len(namespaces):
            return ValidationCode.ILLEGAL_WRITESET
        signers = self._channel.msps.signers(action.signatures())
        written = {part.name for part in action.read_write_set if part.writes} | {name}
        for namespace in sorted(written):
            try:
                policy = self._definitions.endorsement_policy(snapshot, namespace)
            except Malformed:
                return ValidationCode.ENDORSEMENT_POLICY_FAILURE
            if policy is None:
                return ValidationCode.INVALID_CHAINCODE
            check = _EndorsementCheck(self._definitions, self._channel, snapshot, namespace, policy, signers)
            try:
                check.run(action.read_write_set, changed_policies)
            except (Refused, Malformed):
                return ValidationCode.ENDORSEMENT_POLICY_FAILURE
        return ValidationCode.VALID


def _read_ahead(transactions: Sequence[Transaction], snapshot: Snapshot) -> None:
    """Read at once what the block reads and writes; validation then finds it in the snapshot."""
    keys: dict[str, dict[str, None]] = {}
    for transaction in transactions:
        for part in transaction.action.read_write_set if transaction.action is not None else ():
            wanted = keys.setdefault(part.name, {})
            wanted.update(dict.fromkeys(read.key for read in part.public.reads))
            wanted.update(dict.fromkeys(write.key for write in part.public.writes))
    for namespace, wanted in keys.items():
        snapshot.states(namespace, wanted)


_AFTER_DUPLICATES = frozenset(
    {ValidationCode.BAD_RESPONSE_PAYLOAD, ValidationCode.BAD_RWSET, ValidationCode.INVALID_OTHER_REASON}
)
"""What Fabric finds only after it looked for an earlier transaction with the id."""


def _changed_policies(action: Action) -> Iterator[tuple[str, str, str | bytes]]:
    for part in action.read_write_set:
        for write in part.public.metadata_writes:
            yield part.name, "", write.key
        for collection in part.collections:
            for hashed in collection.hashed.metadata_writes:
                yield part.name, collection.name, bytes(hashed.key_hash)


def _addressed(transaction: Transaction) -> str:
    """Return the chaincode that the header addresses, empty if it names none."""
    try:
        extension = proposal_pb2.ChaincodeHeaderExtension.FromString(transaction.channel_header.extension)
    except DecodeError:
        return ""
    return str(extension.chaincode_id.name)


class _EndorsementCheck:
    """The endorsements of one namespace's writes: policies of keys, of collections, of the chaincode."""

    def __init__(
        self,
        definitions: Definitions,
        channel: Channel,
        snapshot: Snapshot,
        namespace: str,
        policy: Policy,
        signers: Sequence[Identity],
    ) -> None:
        self._definitions = definitions
        self._channel = channel
        self._snapshot = snapshot
        self._namespace = namespace
        self._policy = policy
        self._signers = signers
        self._checked: set[str] = set()
        self._some_checked = False

    def run(
        self,
        read_write_set: Sequence[NamespaceReadWrites],
        changed_policies: set[tuple[str, str, str | bytes]],
    ) -> None:
        """Refuse the transaction if a write is not endorsed as its key, collection or chaincode demands."""
        for part in read_write_set:
            if part.name != self._namespace:
                continue
            for write in (*part.public.writes, *part.public.metadata_writes):
                self._check_key("", write.key, changed_policies)
            for collection in part.collections:
                for hashed in (*collection.hashed.hashed_writes, *collection.hashed.metadata_writes):
                    self._check_key(collection.name, bytes(hashed.key_hash), changed_policies)
        if not self._some_checked:
            self._check_chaincode()

    def _check_key(
        self, collection: str, key: str | bytes, changed_policies: set[tuple[str, str, str | bytes]]
    ) -> None:
        if (self._namespace, collection, key) in changed_policies:
            raise Refused(f"validation parameters for key {key!r} have been changed in this block")
        if isinstance(key, bytes):
            found = self._snapshot.hashed(self._namespace, collection, key)
        else:
            found = self._snapshot.state(self._namespace, key)
        parameter = read_metadata(found.metadata).get(VALIDATION_PARAMETER) if found is not None else None
        if parameter:
            self._channel.policies.signature_policy(parameter).check(self._signers)
            self._some_checked = True
        else:
            self._check_collection(collection)

    def _check_collection(self, collection: str) -> None:
        if collection:
            if collection in self._checked:
                return
            policy = self._definitions.collection_policy(self._snapshot, self._namespace, collection)
            if policy is not None:
                policy.check(self._signers)
                self._checked.add(collection)
                self._some_checked = True
                return
        self._check_chaincode()

    def _check_chaincode(self) -> None:
        if "" not in self._checked:
            self._policy.check(self._signers)
            self._checked.add("")
            self._some_checked = True
