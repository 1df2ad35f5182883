"""The keys of the exchange's records: the key tree of chaincode/LEDGER.md, section 2."""

from __future__ import annotations

from gridledger.model.account_entry import AccountEntry, entry_time
from gridledger.model.agreement import Agreement, AgreementMark, AgreementUse, UsedAgreement
from gridledger.model.association import AssociationCandidate, DevicePair
from gridledger.model.catalogue import Association, Audience, Publication
from gridledger.model.claim import Claim
from gridledger.model.coding_rule import CodingRule
from gridledger.model.credit import CreditStanding, Rating, RatingDelta, UnpaidRating
from gridledger.model.device import (
    LABEL_SCHEME,
    ChargingStandard,
    CommonIdentity,
    DeclaredIdentity,
    Device,
    ObjectClass,
    ObjectMark,
    RegisteredField,
)
from gridledger.model.fee import Fee, FeeKey, FeeSchedule
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import DepositedRoot, Verdict
from gridledger.model.keys import KeyPrefix
from gridledger.model.ownership import FieldConflict
from gridledger.model.pay_out import PayOut
from gridledger.model.period import Period
from gridledger.model.person import Person, RegistrationPolicy
from gridledger.model.resolution import Resolution, Rule
from gridledger.model.rights import FieldRequest
from gridledger.model.system import Account, ApplicationUser, Sequence, System, SystemApplication
from gridledger.model.trade import (
    CountersignedContract,
    Delta,
    Hold,
    MoneyKey,
    Note,
    Order,
    OrderMark,
    Settlement,
)
from gridledger.shim import Key

__all__ = [
    "account_key",
    "agreement_key",
    "agreement_mark_key",
    "agreement_use_key",
    "agreement_uses_of",
    "agreements_of",
    "application_key",
    "association_key",
    "associations_of",
    "audience_key",
    "candidate_key",
    "candidates_of",
    "claim_key",
    "coding_rule_key",
    "common_identity_key",
    "conflict_key",
    "conflicts_of",
    "contract_key",
    "credit_key",
    "delta_key",
    "deltas_of",
    "deposit_key",
    "device_key",
    "devices_of",
    "entries_of",
    "entry_key",
    "fee_key",
    "fee_schedule_key",
    "fees_of",
    "field_key",
    "field_request_key",
    "field_requests_of",
    "fields_of",
    "hold_key",
    "label_identity_key",
    "note_key",
    "notes_of",
    "object_mark_key",
    "objects_of",
    "order_key",
    "order_mark_key",
    "pay_out_key",
    "pay_outs_of",
    "person_key",
    "persons_of",
    "policy_key",
    "publication_key",
    "publications_of",
    "rating_delta_key",
    "rating_deltas_of",
    "rating_key",
    "rating_unpaid_key",
    "resolution_key",
    "rule_key",
    "sequence_key",
    "settlement_key",
    "standard_key",
    "system_key",
    "user_key",
    "verdict_key",
]


def system_key(system: SystemIdentifier) -> Key[System]:
    return Key(System, KeyPrefix.SYSTEM, str(system))


def application_key(application: str) -> Key[SystemApplication]:
    return Key(SystemApplication, KeyPrefix.APPLICATION, application)


def sequence_key(root: SystemIdentifier) -> Key[Sequence]:
    return Key(Sequence, KeyPrefix.SEQUENCE, str(root))


def account_key(system: SystemIdentifier) -> Key[Account]:
    return Key(Account, KeyPrefix.ACCOUNT, str(system))


def user_key(application: SystemIdentifier, user: str) -> Key[ApplicationUser]:
    return Key(ApplicationUser, KeyPrefix.USER, str(application), user)


def device_key(device: DeviceIdentifier) -> Key[Device]:
    return Key(Device, KeyPrefix.DEVICE, str(device.system), device.own_code)


def field_key(field: FieldIdentifier) -> Key[RegisteredField]:
    return Key(RegisteredField, KeyPrefix.FIELD, str(field.device.system), field.device.own_code, field.name)


def devices_of(system: SystemIdentifier) -> Key[Device]:
    """Name the range of a system's devices."""
    return Key(Device, KeyPrefix.DEVICE, str(system))


def fields_of(system: SystemIdentifier) -> Key[RegisteredField]:
    """Name the range of a system's fields: its data catalogue."""
    return Key(RegisteredField, KeyPrefix.FIELD, str(system))


def standard_key(field: FieldIdentifier) -> Key[ChargingStandard]:
    system, own_code = str(field.device.system), field.device.own_code
    return Key(ChargingStandard, KeyPrefix.CHARGING_STANDARD, system, own_code, field.name)


def object_mark_key(device: DeviceIdentifier, object_class: ObjectClass) -> Key[ObjectMark]:
    return Key(ObjectMark, KeyPrefix.OBJECT_BY_CLASS, str(device.system), object_class.value, device.own_code)


def objects_of(system: SystemIdentifier, object_class: ObjectClass) -> Key[ObjectMark]:
    """Name the range of a system's objects of a class."""
    return Key(ObjectMark, KeyPrefix.OBJECT_BY_CLASS, str(system), object_class.value)


def coding_rule_key(system: SystemIdentifier) -> Key[CodingRule]:
    return Key(CodingRule, KeyPrefix.CODING_RULE, str(system))


def credit_key(system: SystemIdentifier) -> Key[CreditStanding]:
    return Key(CreditStanding, KeyPrefix.CREDIT, str(system))


def rating_key(order: str, owner: SystemIdentifier, rater: SystemIdentifier) -> Key[Rating]:
    return Key(Rating, KeyPrefix.RATING, order, str(owner), str(rater))


def rating_delta_key(rated: SystemIdentifier, order: str, rater: SystemIdentifier) -> Key[RatingDelta]:
    return Key(RatingDelta, KeyPrefix.RATING_DELTA, str(rated), order, str(rater))


def rating_unpaid_key(rated: SystemIdentifier, rater: SystemIdentifier) -> Key[UnpaidRating]:
    return Key(UnpaidRating, KeyPrefix.RATING_UNPAID, str(rated), str(rater))


def rating_deltas_of(rated: SystemIdentifier) -> Key[RatingDelta]:
    """Name the range of a system's ratings that are not counted yet."""
    return Key(RatingDelta, KeyPrefix.RATING_DELTA, str(rated))


def person_key(root: SystemIdentifier, enterprise: str, name: str) -> Key[Person]:
    return Key(Person, KeyPrefix.PERSON, str(root), enterprise, name)


def persons_of(root: SystemIdentifier, enterprise: str) -> Key[Person]:
    """Name the range of an enterprise's persons."""
    return Key(Person, KeyPrefix.PERSON, str(root), enterprise)


def policy_key(root: SystemIdentifier) -> Key[RegistrationPolicy]:
    return Key(RegistrationPolicy, KeyPrefix.REGISTRATION_POLICY, str(root))


def common_identity_key(root: SystemIdentifier, identity: DeclaredIdentity) -> Key[CommonIdentity]:
    return Key(CommonIdentity, KeyPrefix.COMMON_IDENTITY, str(root), identity.scheme, identity.value)


def label_identity_key(root: SystemIdentifier, device: DeviceIdentifier) -> Key[CommonIdentity]:
    """Return the key of `DeclaredIdentity.of_label(device)`."""
    return Key(CommonIdentity, KeyPrefix.COMMON_IDENTITY, str(root), LABEL_SCHEME, str(device))


def association_key(root: SystemIdentifier, identity: DeclaredIdentity) -> Key[Association]:
    return Key(Association, KeyPrefix.ASSOCIATION, str(root), identity.scheme, identity.value)


def associations_of(root: SystemIdentifier) -> Key[Association]:
    """Name the range of a root's association catalogues."""
    return Key(Association, KeyPrefix.ASSOCIATION, str(root))


def candidate_key(root: SystemIdentifier, devices: DevicePair) -> Key[AssociationCandidate]:
    first, second = str(devices.first), str(devices.second)
    return Key(AssociationCandidate, KeyPrefix.ASSOCIATION_CANDIDATE, str(root), first, second)


def candidates_of(root: SystemIdentifier) -> Key[AssociationCandidate]:
    """Name the range of a root's candidates."""
    return Key(AssociationCandidate, KeyPrefix.ASSOCIATION_CANDIDATE, str(root))


def conflict_key(root: SystemIdentifier, identity: DeclaredIdentity, name: str) -> Key[FieldConflict]:
    return Key(FieldConflict, KeyPrefix.FIELD_CONFLICT, str(root), identity.scheme, identity.value, name)


def conflicts_of(root: SystemIdentifier) -> Key[FieldConflict]:
    """Name the range of a root's conflicts."""
    return Key(FieldConflict, KeyPrefix.FIELD_CONFLICT, str(root))


def field_request_key(system: SystemIdentifier, application: SystemIdentifier) -> Key[FieldRequest]:
    return Key(FieldRequest, KeyPrefix.FIELD_REQUEST, str(system), str(application))


def field_requests_of(system: SystemIdentifier) -> Key[FieldRequest]:
    """Name the range of the requests to an owner."""
    return Key(FieldRequest, KeyPrefix.FIELD_REQUEST, str(system))


def publications_of(application: SystemIdentifier) -> Key[Publication]:
    """Name the range of what is published to an application."""
    return Key(Publication, KeyPrefix.PUBLICATION, str(application))


def publication_key(application: SystemIdentifier, system: SystemIdentifier) -> Key[Publication]:
    return Key(Publication, KeyPrefix.PUBLICATION, str(application), str(system))


def audience_key(system: SystemIdentifier) -> Key[Audience]:
    return Key(Audience, KeyPrefix.AUDIENCE, str(system))


def rule_key(application: SystemIdentifier, function: str) -> Key[Rule]:
    return Key(Rule, KeyPrefix.RULE, str(application), function)


def resolution_key(resolution: str) -> Key[Resolution]:
    return Key(Resolution, KeyPrefix.RESOLUTION, resolution)


def verdict_key(resolution: str) -> Key[Verdict]:
    return Key(Verdict, KeyPrefix.VERDICT, resolution)


def deposit_key(field: FieldIdentifier, period: Period) -> Key[DepositedRoot]:
    system, own_code = str(field.device.system), field.device.own_code
    return Key(DepositedRoot, KeyPrefix.DEPOSIT, system, own_code, field.name, str(period))


def note_key(account: SystemIdentifier, money: MoneyKey) -> Key[Note]:
    return Key(Note, KeyPrefix.NOTE, str(account), money.tx_id, str(money.number))


def delta_key(account: SystemIdentifier, money: MoneyKey) -> Key[Delta]:
    return Key(Delta, KeyPrefix.DELTA, str(account), money.tx_id, str(money.number))


def notes_of(account: SystemIdentifier) -> Key[Note]:
    """Name the range of an account's notes."""
    return Key(Note, KeyPrefix.NOTE, str(account))


def deltas_of(account: SystemIdentifier) -> Key[Delta]:
    """Name the range of an account's delta rows."""
    return Key(Delta, KeyPrefix.DELTA, str(account))


def order_key(order: str) -> Key[Order]:
    return Key(Order, KeyPrefix.ORDER, order)


def order_mark_key(resolution: str) -> Key[OrderMark]:
    return Key(OrderMark, KeyPrefix.ORDER_BY_RESOLUTION, resolution)


def hold_key(order: str, system: SystemIdentifier) -> Key[Hold]:
    return Key(Hold, KeyPrefix.HOLD, order, str(system))


def contract_key(order: str, system: SystemIdentifier) -> Key[CountersignedContract]:
    return Key(CountersignedContract, KeyPrefix.TRANSACTION_CONTRACT, order, str(system))


def settlement_key(order: str, system: SystemIdentifier) -> Key[Settlement]:
    return Key(Settlement, KeyPrefix.SETTLEMENT, order, str(system))


def claim_key(order: str, system: SystemIdentifier) -> Key[Claim]:
    return Key(Claim, KeyPrefix.CLAIM, order, str(system))


def agreement_key(agreement: str) -> Key[Agreement]:
    return Key(Agreement, KeyPrefix.AGREEMENT, agreement)


def agreement_mark_key(party: SystemIdentifier, function: str, agreement: str) -> Key[AgreementMark]:
    return Key(AgreementMark, KeyPrefix.AGREEMENT_BY_PARTY, str(party), function, agreement)


def agreements_of(party: SystemIdentifier, function: str = "") -> Key[AgreementMark]:
    """Name the range of a party's agreements, of one function or of all."""
    parts = (str(party), function) if function else (str(party),)
    return Key(AgreementMark, KeyPrefix.AGREEMENT_BY_PARTY, *parts)


def agreement_use_key(use: AgreementUse) -> Key[UsedAgreement]:
    return Key(UsedAgreement, KeyPrefix.AGREEMENT_USE, use.agreement, f"{use.number:07}")


def agreement_uses_of(agreement: str) -> Key[UsedAgreement]:
    """Name the range of an agreement's queries that were made, in the order of their numbers."""
    return Key(UsedAgreement, KeyPrefix.AGREEMENT_USE, agreement)


def fee_schedule_key(root: SystemIdentifier) -> Key[FeeSchedule]:
    return Key(FeeSchedule, KeyPrefix.FEE_SCHEDULE, str(root))


def fee_key(payer: SystemIdentifier, fee: FeeKey) -> Key[Fee]:
    return Key(Fee, KeyPrefix.FEE, str(payer), fee.kind.value, fee.cause)


def fees_of(payer: SystemIdentifier) -> Key[Fee]:
    """Name the range of the fees that an account owes."""
    return Key(Fee, KeyPrefix.FEE, str(payer))


def pay_out_key(account: SystemIdentifier, pay_out: str) -> Key[PayOut]:
    return Key(PayOut, KeyPrefix.PAY_OUT, str(account), pay_out)


def pay_outs_of(account: SystemIdentifier) -> Key[PayOut]:
    """Name the range of an account's pay-outs."""
    return Key(PayOut, KeyPrefix.PAY_OUT, str(account))


def entry_key(entry: AccountEntry, number: int) -> Key[AccountEntry]:
    parts = (str(entry.account), entry_time(entry.made_ms), entry.tx_id, f"{number:04}")
    return Key(AccountEntry, KeyPrefix.ENTRY, *parts)


def entries_of(account: SystemIdentifier, *time: str) -> Key[AccountEntry]:
    """Name the range of an account's entries, in the order of their times."""
    return Key(AccountEntry, KeyPrefix.ENTRY, str(account), *time)
