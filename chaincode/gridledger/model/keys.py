"""Object types of composite keys: the first part of every key that a contract writes.

`chaincode/LEDGER.md` has the key tree, with the parts that follow each object type.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["KeyPrefix"]


class KeyPrefix(StrEnum):
    """Object types, grouped by the contract that writes them; an index ends in `-by-` and what it is asked
    by."""

    # The contract layer's own.
    CALL = "call"
    TIME_MARK = "time-mark"

    # registry
    APPLICATION = "application"
    SYSTEM = "system"
    SEQUENCE = "sequence"
    ACCOUNT = "account"
    USER = "user"
    DEVICE = "device"
    FIELD = "field"
    CHARGING_STANDARD = "charging-standard"
    COMMON_IDENTITY = "common-identity"
    OBJECT_BY_CLASS = "object-by-class"
    CODING_RULE = "coding-rule"
    CREDIT = "credit"
    RATING = "rating"
    RATING_DELTA = "rating-delta"
    RATING_UNPAID = "rating-unpaid"
    PERSON = "person"
    REGISTRATION_POLICY = "registration-policy"

    # catalogue
    ASSOCIATION = "association"
    ASSOCIATION_CANDIDATE = "association-candidate"
    AUDIENCE = "audience"
    FIELD_CONFLICT = "field-conflict"
    FIELD_REQUEST = "field-request"
    PUBLICATION = "publication"

    # resolution
    RULE = "rule"
    RESOLUTION = "resolution"

    # trade
    DELTA = "delta"
    NOTE = "note"
    PAY_OUT = "pay-out"
    ORDER = "order"
    ORDER_BY_RESOLUTION = "order-by-resolution"
    HOLD = "hold"
    TRANSACTION_CONTRACT = "transaction-contract"
    SETTLEMENT = "settlement"
    CLAIM = "claim"
    AGREEMENT = "agreement"
    AGREEMENT_BY_PARTY = "agreement-by-party"
    AGREEMENT_USE = "agreement-use"
    FEE_SCHEDULE = "fee-schedule"
    FEE = "fee"
    ENTRY = "entry"

    # integrity
    DEPOSIT = "deposit"
    VERDICT = "verdict"

    # lake
    CUSTODIAN = "custodian"
    PLATFORM_MEMBERSHIP = "platform-membership"
    DATASET = "dataset"
    DATASET_BY_LABEL = "dataset-by-label"
    DATASET_VERSION = "dataset-version"
    DATASET_HEAD = "dataset-head"
    SHARING_POLICY = "sharing-policy"
    ACCESS = "access"
    ACCESS_BY_DATASET = "access-by-dataset"
    ACCESS_BY_APPLICATION = "access-by-application"
    GRANT = "grant"
    GRANT_BY_DATASET = "grant-by-dataset"
    ACCESS_LOG = "access-log"
    LAKE_INDEX = "lake-index"

    # response
    TERMINAL = "terminal"
    RUN_ANCHOR = "run-anchor"
    ANCHOR_HEAD = "anchor-head"
    OPENED_RUN = "opened-run"
    MISMATCH_BY_SYSTEM = "mismatch-by-system"

    # edge
    STORAGE_NODE = "storage-node"
    NODE_BY_ROOT = "storage-node-by-root"
    EDGE_RECEIVER = "edge-receiver"
    EDGE_REGISTER = "edge-register"
    SIDE_DEVICE = "side-device"
    MEMBERSHIP_PERIOD = "membership-period"
    ISSUED_BATCH = "issued-batch"
    MEMBERSHIP_KEY = "membership-key"
    KEY_IMAGE = "key-image"
    ENVELOPE_DEPOSIT = "envelope-deposit"
    DEPOSIT_BY_PERIOD = "envelope-deposit-by-period"
    ENVELOPE_RECEIPT = "envelope-receipt"
    NODE_POLICY = "node-policy"
    SHARE = "share"
    SHARE_BY_HOLDER = "share-by-holder"
    LAKE_PASSAGE = "lake-passage"

    # council
    COUNCIL = "council"
    COUNCIL_RULES = "council-rules"
    CANDIDATE = "council-candidate"
    CANDIDATE_BY_ROOT = "council-candidate-by-root"
    ELECTION = "council-election"
    VOTE = "council-vote"
    REVIEW_RULES = "review-rules"
    ROUND_HEAD = "round-head"
    ROUND = "round"
    ROUND_ENTRY = "round-entry"
    ROUND_PLACE = "round-place"
    REVIEW_REQUEST = "review-request"
    REVIEW_COPY = "review-copy"
    REVIEW_VERDICT = "review-verdict"
    REVIEW_RESPONSE = "review-response"
    REVIEW_APPROVAL = "review-approval"
    MISBEHAVIOUR = "misbehaviour"
    CONDUCT = "conduct"
    DELETION_RECEIPT = "deletion-receipt"
