"""Names of chaincode events: what a client may wait for."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Event"]


class Event(StrEnum):
    """Event names; a transaction emits at most one, named after what it did (Fabric keeps only the last)."""

    # The contract layer's own.
    TIME_MARK_RENEWED = "TimeMarkRenewed"
    BUNDLE_COMMITTED = "BundleCommitted"

    # registry
    AGGREGATION_ESTABLISHED = "AggregationEstablished"
    SYSTEM_APPLIED = "SystemApplied"
    SYSTEM_CHECKED = "SystemChecked"
    SYSTEM_REGISTERED = "SystemRegistered"
    SYSTEM_REJECTED = "SystemRejected"
    USER_REGISTERED = "UserRegistered"
    USER_REMOVED = "UserRemoved"
    DEVICES_REGISTERED = "DevicesRegistered"
    DEVICES_APPROVED = "DevicesApproved"
    FIELDS_REGISTERED = "FieldsRegistered"
    CHARGING_STANDARD_SET = "ChargingStandardSet"
    DEVICES_CHANGED = "DevicesChanged"
    DEVICES_MOVED = "DevicesMoved"
    FIELDS_CHANGED = "FieldsChanged"
    SYSTEM_CHANGED = "SystemChanged"
    SYSTEM_MOVED = "SystemMoved"
    SYSTEM_DEREGISTERED = "SystemDeregistered"
    CODING_RULE_LAID_DOWN = "CodingRuleLaidDown"
    SYSTEM_RATED = "SystemRated"
    RATINGS_FOLDED = "RatingsFolded"
    PERSON_APPLIED = "PersonApplied"
    PERSON_DECIDED = "PersonDecided"
    APPLICATION_VOUCHED = "ApplicationVouched"
    REGISTRATION_POLICY_SET = "RegistrationPolicySet"

    # catalogue
    ASSOCIATION_DEPOSITED = "AssociationDeposited"
    ASSOCIATION_PROPOSED = "AssociationProposed"
    ASSOCIATION_DECIDED = "AssociationDecided"
    FIELDS_PUBLISHED = "FieldsPublished"
    FIELDS_WITHDRAWN = "FieldsWithdrawn"
    FIELDS_REQUESTED = "FieldsRequested"
    FIELD_REQUEST_DECIDED = "FieldRequestDecided"
    FIELD_ROLES_SET = "FieldRolesSet"

    # resolution
    RULE_SET = "RuleSet"

    # trade
    CREDIT_PAID_IN = "CreditPaidIn"
    ORDER_HELD = "OrderHeld"
    HOLD_RETURNED = "HoldReturned"
    ORDER_SETTLED = "OrderSettled"
    AGREEMENT_CONCLUDED = "AgreementConcluded"
    AGREEMENT_ENDED = "AgreementEnded"
    AGREED_ORDER_HELD = "AgreedOrderHeld"
    HOLD_CLAIMED = "HoldClaimed"
    CLAIM_DENIED = "ClaimDenied"
    CLAIM_DECIDED = "ClaimDecided"
    FEES_SET = "FeesSet"
    FEES_PAID = "FeesPaid"
    PAY_OUT_ASKED = "PayOutAsked"
    PAY_OUT_DECIDED = "PayOutDecided"

    # integrity
    ROOT_DEPOSITED = "RootDeposited"
    VERDICT_DEPOSITED = "VerdictDeposited"

    # lake
    CUSTODIAN_REGISTERED = "CustodianRegistered"
    CUSTODIAN_DECIDED = "CustodianDecided"
    PLATFORM_ASSIGNED = "PlatformAssigned"
    DATASET_REGISTERED = "DatasetRegistered"
    DATASET_CHANGED = "DatasetChanged"
    VERSION_PROPOSED = "VersionProposed"
    VERSION_STORED = "VersionStored"
    SHARING_POLICY_SET = "SharingPolicySet"
    ACCESS_DECIDED = "AccessDecided"
    ACCESS_GRANTED = "AccessGranted"
    ACCESS_REVOKED = "AccessRevoked"
    VERSION_OPENED = "VersionOpened"
    INDEX_DEPOSITED = "IndexDeposited"

    # response
    TERMINAL_REGISTERED = "TerminalRegistered"
    TERMINAL_ENDED = "TerminalEnded"
    RUNS_ANCHORED = "RunsAnchored"
    RUN_OPENED = "RunOpened"

    # edge
    NODE_REGISTERED = "StorageNodeRegistered"
    NODE_DECIDED = "StorageNodeDecided"
    EDGE_RECEIVER_SET = "EdgeReceiverSet"
    SIDE_DEVICES_REGISTERED = "SideDevicesRegistered"
    PERIOD_PLANNED = "MembershipPeriodPlanned"
    KEYS_ISSUED = "MembershipKeysIssued"
    PERIOD_OPENED = "MembershipPeriodOpened"
    ENVELOPE_DEPOSITED = "EnvelopeDeposited"
    ENVELOPE_RECEIVED = "EnvelopeReceived"
    NODE_POLICY_SET = "NodePolicySet"
    SHARE_DECIDED = "ShareDecided"
    SHARE_GRANTED = "ShareGranted"
    SHARE_RECEIVED = "ShareReceived"
    ENVELOPES_PASSED = "EnvelopesPassedOn"

    # council
    COUNCIL_RULES_SET = "CouncilRulesSet"
    CANDIDATE_REGISTERED = "CandidateRegistered"
    CANDIDATE_CHANGED = "CandidateChanged"
    ELECTION_OPENED = "ElectionOpened"
    VOTE_CAST = "VoteCast"
    VOTE_WITHDRAWN = "VoteWithdrawn"
    ELECTION_COUNTED = "ElectionCounted"
    REVIEW_RULES_SET = "ReviewRulesSet"
    ROUND_ENTERED = "RoundEntered"
    ROUND_BEGUN = "RoundBegun"
    MASTER_REPLACED = "MasterReplaced"
    REVIEW_FILED = "ReviewFiled"
    REVIEW_PASSED = "ReviewPassed"
    REVIEW_TAKEN = "ReviewTaken"
    COPY_SENT = "CopySent"
    COPY_HANDED = "CopyHanded"
    REVIEW_VERDICT_DEPOSITED = "ReviewVerdictDeposited"
    REVIEW_DECIDED = "ReviewDecided"
    REVIEW_ANSWERED = "ReviewAnswered"
    MISBEHAVIOUR_NAMED = "MisbehaviourNamed"
    ROUND_ENDED = "RoundEnded"
    COPIES_PURGED = "CopiesPurged"
    DELETION_RECEIPT_DEPOSITED = "DeletionReceiptDeposited"
    ROUND_CLOSED = "RoundClosed"
