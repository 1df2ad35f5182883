"""The contract `lake` as typed calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import gridledger.model.exchange_refusals
import gridledger.model.lake_refusals  # noqa: F401 - refusals come back as classes that are imported
from gridledger.client import Network
from gridledger.client.typed_calls import TypedCalls
from gridledger.model.argument import decode_argument
from gridledger.model.dataset import (
    Custodian,
    CustodianEntry,
    Dataset,
    DatasetEntry,
    DatasetHead,
    DatasetIdentifier,
    DatasetVersion,
    SignedReceipt,
    VersionStatement,
)
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.lake_index import IndexStatement, LakeIndex
from gridledger.model.lake_page import (
    Access,
    AccessLogPage,
    AccessPage,
    CustodianPage,
    DatasetPage,
    LakeIndexPage,
    VersionPage,
)
from gridledger.model.sharing import (
    AccessDecision,
    AccessRequest,
    Grant,
    GrantEntry,
    OpenedVersion,
    PlatformMembership,
    PolicyRule,
    PowerPlatform,
    Reviewed,
    SharingPolicy,
)
from gridledger.model.system import System

__all__ = ["LakeLedger"]


class LakeLedger(TypedCalls):
    """One identity's calls to the contract `lake`.

    Parameters
    ----------
    network : Network
        The channel.
    chaincode : str, optional
        The chaincode's name; the connection's by default.

    Notes
    -----
    The only module of the lake that knows the names of transactions. Every call raises what
    `Contract.evaluate` or `Contract.submit` of the client raises: ContractError where the contract refused,
    GatewayError where a step failed. No transaction needs a call key: a second one finds the first's record.
    """

    contract_name = "lake"

    def __init__(self, network: Network, chaincode: str | None = None) -> None:
        super().__init__(network, chaincode)
        self._registry = network.contract(chaincode, "registry")

    # --- custodians and platforms

    async def register_custodian(self, root: SystemIdentifier, entry: CustodianEntry) -> Custodian:
        """Register the calling agent as custodian below a root."""
        return await self._submit(Custodian, "RegisterCustodian", root, entry)

    async def approve_custodian(self, root: SystemIdentifier, custodian: str) -> Custodian:
        """Approve a custodian, as the root's platform administrator."""
        return await self._submit(Custodian, "ApproveCustodian", root, custodian)

    async def reject_custodian(self, root: SystemIdentifier, custodian: str, reason: str) -> Custodian:
        """Reject or remove a custodian, as the root's platform administrator."""
        return await self._submit(Custodian, "RejectCustodian", root, custodian, reason)

    async def custodian(self, root: SystemIdentifier, custodian: str) -> Custodian:
        """Return a custodian."""
        return await self._ask(Custodian, "GetCustodian", root, custodian)

    async def custodians(self, root: SystemIdentifier, bookmark: str = "") -> CustodianPage:
        """Return a page of a root's custodians."""
        return await self._ask(CustodianPage, "ListCustodians", root, bookmark)

    async def assign_platform(self, system: SystemIdentifier, platform: PowerPlatform) -> PlatformMembership:
        """Say which power platform a system belongs to, as the root's platform administrator."""
        return await self._submit(PlatformMembership, "AssignPlatform", system, platform)

    async def platform(self, system: SystemIdentifier) -> PlatformMembership:
        """Return which power platform a system belongs to."""
        return await self._ask(PlatformMembership, "GetPlatform", system)

    async def system(self, identifier: SystemIdentifier) -> System:
        """Return a system: its root, its agent."""
        result = await self._registry.evaluate("GetSystem", identifier)
        return decode_argument(System, result)

    # --- datasets and versions

    async def register_dataset(self, entry: DatasetEntry) -> Dataset:
        """Register a dataset, as its owner."""
        return await self._submit(Dataset, "RegisterDataset", entry)

    async def describe_dataset(self, entry: DatasetEntry) -> Dataset:
        """Give a dataset another title, description or labels."""
        return await self._submit(Dataset, "DescribeDataset", entry)

    async def withdraw_dataset(self, dataset: DatasetIdentifier, reason: str) -> Dataset:
        """Take a dataset back."""
        return await self._submit(Dataset, "WithdrawDataset", dataset, reason)

    async def dataset(self, dataset: DatasetIdentifier) -> Dataset:
        """Return a dataset."""
        return await self._ask(Dataset, "GetDataset", dataset)

    async def datasets(self, owner: SystemIdentifier, bookmark: str = "") -> DatasetPage:
        """Return a page of an owner's datasets."""
        return await self._ask(DatasetPage, "ListDatasets", owner, bookmark)

    async def find_datasets(self, label: str, bookmark: str = "") -> DatasetPage:
        """Return a page of the datasets that have a label."""
        return await self._ask(DatasetPage, "FindDatasets", label, bookmark)

    async def propose_version(self, statement: VersionStatement) -> DatasetVersion:
        """Propose a version for its custodian to check; see `publish_version`."""
        return await self._submit(DatasetVersion, "ProposeVersion", statement)

    async def deposit_receipt(self, signed: SignedReceipt) -> DatasetVersion:
        """Deposit a custodian's receipt: the version counts from then on."""
        return await self._submit(DatasetVersion, "DepositReceipt", signed)

    async def version(self, dataset: DatasetIdentifier, number: int) -> DatasetVersion:
        """Return a version, stored or only proposed."""
        return await self._ask(DatasetVersion, "GetVersion", dataset, number)

    async def head(self, dataset: DatasetIdentifier) -> DatasetHead:
        """Return which version is the newest; raises NotFound where none is stored."""
        return await self._ask(DatasetHead, "GetHead", dataset)

    async def versions(self, dataset: DatasetIdentifier, bookmark: str = "") -> VersionPage:
        """Return a page of a dataset's versions."""
        return await self._ask(VersionPage, "ListVersions", dataset, bookmark)

    # --- sharing

    async def set_sharing_policy(
        self,
        dataset: DatasetIdentifier,
        rules: Sequence[PolicyRule],
        reviewed: Iterable[Reviewed] | None = None,
    ) -> SharingPolicy:
        """Set who may have a dataset, as its owner, and what of it the council reviews (as before)."""
        more = () if reviewed is None else (sorted(set(reviewed)),)
        return await self._submit(SharingPolicy, "SetSharingPolicy", dataset, list(rules), *more)

    async def sharing_policy(self, dataset: DatasetIdentifier) -> SharingPolicy:
        """Return a dataset's policy."""
        return await self._ask(SharingPolicy, "GetSharingPolicy", dataset)

    async def request_access(self, request: AccessRequest) -> AccessDecision:
        """Ask for a dataset, as a data application; the decision may be a refusal."""
        return await self._submit(AccessDecision, "RequestAccess", request)

    async def deposit_grants(
        self, dataset: DatasetIdentifier, grants: Sequence[GrantEntry]
    ) -> tuple[Grant, ...]:
        """Hand key and location over for admitted requests, as the owner."""
        return await self._submit(tuple[Grant, ...], "DepositGrants", dataset, list(grants))

    async def revoke_access(
        self, dataset: DatasetIdentifier, requests: Sequence[str], reason: str
    ) -> tuple[Grant, ...]:
        """Take rights back, as the owner."""
        return await self._submit(tuple[Grant, ...], "RevokeAccess", dataset, list(requests), reason)

    async def open_version(self, request: str, number: int | None = None) -> OpenedVersion:
        """Say that a granted version is opened, as the application; see `open_granted`."""
        return await self._submit(OpenedVersion, "OpenVersion", request, number)

    async def access(self, request: str) -> Access:
        """Return a request with its decision and what it was given."""
        return await self._ask(Access, "GetAccess", request)

    async def accesses(self, dataset: DatasetIdentifier, bookmark: str = "") -> AccessPage:
        """Return a page of the requests for a dataset, the earliest first."""
        return await self._ask(AccessPage, "ListAccesses", dataset, bookmark)

    async def accesses_of(
        self, application: SystemIdentifier, dataset: DatasetIdentifier | None = None, bookmark: str = ""
    ) -> AccessPage:
        """Return a page of an application's requests, for one dataset or for all."""
        return await self._ask(AccessPage, "ListAccessesOf", application, dataset, bookmark)

    async def grants(self, dataset: DatasetIdentifier, bookmark: str = "") -> AccessPage:
        """Return a page of a dataset's grants that were not revoked."""
        return await self._ask(AccessPage, "ListGrants", dataset, bookmark)

    async def access_log(self, dataset: DatasetIdentifier, bookmark: str = "") -> AccessLogPage:
        """Return a page of a dataset's access log, the earliest first."""
        return await self._ask(AccessLogPage, "ListAccessLog", dataset, bookmark)

    # --- indexes

    async def deposit_index(self, statement: IndexStatement) -> LakeIndex:
        """Deposit the digest of an index's newest generation, as its owner."""
        return await self._submit(LakeIndex, "DepositIndex", statement)

    async def index(self, owner: SystemIdentifier, name: str) -> LakeIndex:
        """Return what was deposited of an index."""
        return await self._ask(LakeIndex, "GetIndex", owner, name)

    async def indexes(self, owner: SystemIdentifier, bookmark: str = "") -> LakeIndexPage:
        """Return a page of an owner's indexes."""
        return await self._ask(LakeIndexPage, "ListIndexes", owner, bookmark)
