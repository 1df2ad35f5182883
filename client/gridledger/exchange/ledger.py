"""The contracts of the exchange as typed calls: the only module here that knows the names of transactions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import gridledger.model.exchange_refusals  # noqa: F401 - refusals come back as classes that are imported
from gridledger.client import Committed, Contract, Network
from gridledger.model.argument import Argument, decode_argument
from gridledger.model.catalogue import Association, Publication, PublicationEntry
from gridledger.model.device import (
    ChargingStandard,
    CommonIdentity,
    DeclaredIdentity,
    Device,
    DeviceApproval,
    DeviceEntry,
    FieldEntry,
    ItemResult,
    RegisteredField,
    StandardEntry,
)
from gridledger.model.identifier import DeviceIdentifier, FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import DepositedRoot, PeriodRoot, SignedRoots, Verdict
from gridledger.model.notice import HoldsReturned, PaidIn, SettledLine
from gridledger.model.page import DevicePage, FieldPage, MoneyPage
from gridledger.model.paid_line import PaidLine
from gridledger.model.period import Period
from gridledger.model.resolution import Resolution, Rule, RuleEntry, SignedRequest
from gridledger.model.system import (
    ApplicationUser,
    System,
    SystemApplication,
    SystemCheck,
    SystemProfile,
)
from gridledger.model.trade import (
    CountersignedContract,
    MoneyKey,
    Order,
    OrderEntry,
    OwnedMoney,
    Settlement,
)

__all__ = ["ExchangeLedger"]

T = TypeVar("T")


class ExchangeLedger:
    """One identity's calls to the contracts of the exchange.

    Parameters
    ----------
    network : Network
        The channel.
    chaincode : str, optional
        The chaincode's name; the connection's by default.

    Notes
    -----
    Every call raises what `Contract.evaluate`, `submit` or `submit_once` of the client raises: ContractError
    where the contract refused, GatewayError where a step failed. Functions that take `call_key` happen once;
    a caller that repeats one after a crash gives the same key.
    """

    def __init__(self, network: Network, chaincode: str | None = None) -> None:
        self._contracts: dict[str, Contract] = {
            name: network.contract(chaincode, name)
            for name in ("registry", "catalogue", "resolution", "integrity", "trade")
        }

    # --- registry

    async def establish(self, root: SystemIdentifier, profile: SystemProfile) -> System:
        """Establish the caller as the aggregation system of a root."""
        return await self._submit(System, "registry", "Establish", root, profile)

    async def register_system(
        self, root: SystemIdentifier, profile: SystemProfile, *, call_key: str | None = None
    ) -> SystemApplication:
        """Apply for a system identifier."""
        return await self._once(
            SystemApplication, "registry", "RegisterSystem", root, profile, call_key=call_key
        )

    async def deposit_check(self, application: str, check: SystemCheck) -> SystemApplication:
        """Deposit what was found about an application."""
        return await self._submit(SystemApplication, "registry", "DepositCheck", application, check)

    async def approve_system(self, application: str) -> System:
        """Approve an application."""
        return await self._submit(System, "registry", "ApproveSystem", application)

    async def reject_system(self, application: str, reason: str) -> SystemApplication:
        """Reject an application."""
        return await self._submit(SystemApplication, "registry", "RejectSystem", application, reason)

    async def register_user(
        self, application: SystemIdentifier, name: str, roles: Sequence[str]
    ) -> ApplicationUser:
        """Register a user of a data application."""
        return await self._submit(ApplicationUser, "registry", "RegisterUser", application, name, list(roles))

    async def register_devices(
        self, system: SystemIdentifier, entries: Sequence[DeviceEntry], *, call_key: str | None = None
    ) -> tuple[ItemResult, ...]:
        """Register up to 2,000 devices."""
        return await self._once(
            _ITEMS, "registry", "RegisterDevices", system, list(entries), call_key=call_key
        )

    async def approve_devices(
        self, root: SystemIdentifier, approvals: Sequence[DeviceApproval]
    ) -> tuple[ItemResult, ...]:
        """Approve up to 2,000 devices."""
        return await self._submit(_ITEMS, "registry", "ApproveDevices", root, list(approvals))

    async def register_fields(
        self, system: SystemIdentifier, entries: Sequence[FieldEntry], *, call_key: str | None = None
    ) -> tuple[ItemResult, ...]:
        """Register up to 2,000 fields with their charging standards."""
        return await self._once(
            _ITEMS, "registry", "RegisterFields", system, list(entries), call_key=call_key
        )

    async def set_charging_standards(
        self, system: SystemIdentifier, entries: Sequence[StandardEntry], *, call_key: str | None = None
    ) -> tuple[ItemResult, ...]:
        """Set up to 2,000 new charging standards."""
        return await self._once(
            _ITEMS, "registry", "SetChargingStandards", system, list(entries), call_key=call_key
        )

    async def system(self, system: SystemIdentifier) -> System:
        """Return a system."""
        return await self._ask(System, "registry", "GetSystem", system)

    async def application(self, application: str) -> SystemApplication:
        """Return an application for a system identifier."""
        return await self._ask(SystemApplication, "registry", "GetApplication", application)

    async def device(self, device: DeviceIdentifier) -> Device:
        """Return a device."""
        return await self._ask(Device, "registry", "GetDevice", device)

    async def devices(self, system: SystemIdentifier, bookmark: str = "") -> DevicePage:
        """Return a page of a system's devices."""
        return await self._ask(DevicePage, "registry", "ListDevices", system, bookmark)

    async def field(self, field: FieldIdentifier) -> RegisteredField:
        """Return a field."""
        return await self._ask(RegisteredField, "registry", "GetField", field)

    async def fields(self, system: SystemIdentifier, bookmark: str = "") -> FieldPage:
        """Return a page of a system's data catalogue."""
        return await self._ask(FieldPage, "registry", "ListFields", system, bookmark)

    async def charging_standard(self, field: FieldIdentifier) -> ChargingStandard:
        """Return a field's charging standard."""
        return await self._ask(ChargingStandard, "registry", "GetChargingStandard", field)

    # --- catalogue

    async def deposit_associations(
        self, root: SystemIdentifier, identities: Sequence[DeclaredIdentity]
    ) -> tuple[ItemResult, ...]:
        """Deposit association catalogues."""
        return await self._submit(_ITEMS, "catalogue", "DepositAssociations", root, list(identities))

    async def publish_fields(
        self, root: SystemIdentifier, entry: PublicationEntry
    ) -> tuple[Publication, ...]:
        """Publish fields to a data application."""
        return await self._submit(tuple[Publication, ...], "catalogue", "PublishFields", root, entry)

    async def association(self, root: SystemIdentifier, identity: DeclaredIdentity) -> Association:
        """Return an association catalogue."""
        return await self._ask(Association, "catalogue", "GetAssociation", root, identity)

    async def common_identity(self, root: SystemIdentifier, identity: DeclaredIdentity) -> CommonIdentity:
        """Return the devices that declare a common identity."""
        return await self._ask(CommonIdentity, "catalogue", "GetCommonIdentity", root, identity)

    # --- resolution and integrity

    async def set_rule(self, entry: RuleEntry) -> Rule:
        """Set a function's rule."""
        return await self._submit(Rule, "resolution", "SetRule", entry)

    async def rule(self, application: SystemIdentifier, function: str) -> Rule:
        """Return a function's rule."""
        return await self._ask(Rule, "resolution", "GetRule", application, function)

    async def decide(self, signed: SignedRequest) -> Resolution:
        """Return what a request would get."""
        return await self._ask(Resolution, "resolution", "Decide", signed)

    async def resolve(self, signed: SignedRequest, answers: Sequence[SignedRoots]) -> Committed:
        """Resolve a request; the resolution comes with the verdict's event."""
        return await self._contracts["resolution"].transact("Resolve", signed, list(answers))

    async def resolution(self, resolution: str) -> Resolution:
        """Return a resolution."""
        return await self._ask(Resolution, "resolution", "GetResolution", resolution)

    async def deposit_roots(
        self, system: SystemIdentifier, roots: Sequence[PeriodRoot]
    ) -> tuple[ItemResult, ...]:
        """Deposit up to 1,000 roots."""
        return await self._submit(_ITEMS, "integrity", "DepositRoots", system, list(roots))

    async def deposit(self, field: FieldIdentifier, period: Period) -> DepositedRoot:
        """Return a deposited root."""
        return await self._ask(DepositedRoot, "integrity", "GetDeposit", field, period)

    async def verdict(self, resolution: str) -> Verdict:
        """Return the verdict of a resolution."""
        return await self._ask(Verdict, "integrity", "GetVerdict", resolution)

    # --- trade

    async def pay_in(
        self, account: SystemIdentifier, amounts_milliyuan: Sequence[int], *, call_key: str | None = None
    ) -> PaidIn:
        """Make notes for money that was paid in outside."""
        return await self._once(PaidIn, "trade", "PayIn", account, list(amounts_milliyuan), call_key=call_key)

    async def place_order(self, entry: OrderEntry, *, call_key: str | None = None) -> Order:
        """Place an order with its holds."""
        return await self._once(Order, "trade", "PlaceOrder", entry, call_key=call_key)

    async def deposit_contracts(
        self, contracts: Sequence[CountersignedContract], *, call_key: str | None = None
    ) -> tuple[SettledLine, ...]:
        """Deposit transaction contracts and settle their holds."""
        return await self._once(
            tuple[SettledLine, ...], "trade", "DepositContracts", list(contracts), call_key=call_key
        )

    async def return_holds(self, order: str, owners: Sequence[SystemIdentifier]) -> HoldsReturned:
        """Return overdue holds to the payer."""
        names = [str(owner) for owner in owners]
        return await self._submit(HoldsReturned, "trade", "ReturnHolds", order, names)

    async def fold_deltas(self, account: SystemIdentifier, deltas: Sequence[MoneyKey]) -> OwnedMoney:
        """Make one note of delta rows."""
        return await self._submit(OwnedMoney, "trade", "FoldDeltas", account, list(deltas))

    async def split_note(
        self, account: SystemIdentifier, note: MoneyKey, amounts_milliyuan: Sequence[int]
    ) -> tuple[OwnedMoney, ...]:
        """Make several notes of one."""
        return await self._submit(
            tuple[OwnedMoney, ...], "trade", "SplitNote", account, note, list(amounts_milliyuan)
        )

    async def order(self, order: str) -> Order:
        """Return an order."""
        return await self._ask(Order, "trade", "GetOrder", order)

    async def paid_line(self, order: str, owner: SystemIdentifier) -> PaidLine:
        """Return a line of an order whose hold waits."""
        return await self._ask(PaidLine, "trade", "GetPaidLine", order, owner)

    async def contract(self, order: str, owner: SystemIdentifier) -> CountersignedContract:
        """Return a deposited transaction contract."""
        return await self._ask(CountersignedContract, "trade", "GetContract", order, owner)

    async def settlement(self, order: str, owner: SystemIdentifier) -> Settlement:
        """Return what became of a hold."""
        return await self._ask(Settlement, "trade", "GetSettlement", order, owner)

    async def notes(self, account: SystemIdentifier, bookmark: str = "") -> MoneyPage:
        """Return a page of an account's notes."""
        return await self._ask(MoneyPage, "trade", "ListNotes", account, bookmark)

    async def deltas(self, account: SystemIdentifier, bookmark: str = "") -> MoneyPage:
        """Return a page of an account's delta rows."""
        return await self._ask(MoneyPage, "trade", "ListDeltas", account, bookmark)

    async def _ask(self, kind: type[T], contract: str, function: str, *arguments: Argument) -> T:
        return decode_argument(kind, await self._contracts[contract].evaluate(function, *arguments))

    async def _submit(self, kind: type[T], contract: str, function: str, *arguments: Argument) -> T:
        return decode_argument(kind, await self._contracts[contract].submit(function, *arguments))

    async def _once(
        self, kind: type[T], contract: str, function: str, *arguments: Argument, call_key: str | None
    ) -> T:
        result = await self._contracts[contract].submit_once(function, *arguments, call_key=call_key)
        return decode_argument(kind, result)


_ITEMS = tuple[ItemResult, ...]
