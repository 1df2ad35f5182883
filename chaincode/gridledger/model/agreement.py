"""Agreements: what an application and an owner settle once for many queries.

Source: CN112508707B, [0098], [0099]: trade by number of queries, each of which leaves its own record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints

from gridledger.model.device import Price
from gridledger.model.identifier import FieldIdentifier, SystemIdentifier
from gridledger.model.integrity import SignedRoots
from gridledger.model.record import ModelValue, Record, record, value
from gridledger.model.resolution import FunctionName, Resolution, SignedRequest
from gridledger.model.trade import (
    LEAST_HOLD_MS,
    LONGEST_HOLD_MS,
    Amount,
    MoneyKey,
    Order,
    OrderId,
    check_notes,
)

__all__ = [
    "MAX_AGREED_FIELDS",
    "MAX_AGREED_QUERIES",
    "MAX_AGREEMENT_MS",
    "AgreedField",
    "AgreedOrder",
    "AgreedOrderEntry",
    "Agreement",
    "AgreementId",
    "AgreementMark",
    "AgreementTerms",
    "AgreementUse",
    "SignedAgreement",
    "UsedAgreement",
]

MAX_AGREED_FIELDS = 256
MAX_AGREED_QUERIES = 10**5
"""An application lists the used ones once, in 100 pages."""
MAX_AGREEMENT_MS = 366 * 24 * 3600 * 1000
"""A year: prices change."""

MAX_USES = 64
"""Agreements of one query: one for each target system."""

AgreementId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Limit = Annotated[int, Field(ge=1)]


@value
class AgreedField(ModelValue):
    """A field and what one query of it costs under the agreement."""

    field: FieldIdentifier
    price_milliyuan: Price
    """Not above the charging standard."""
    standard_version: int
    """Of the charging standard that holds when the agreement is concluded."""


@record("agreement-terms/1")
class AgreementTerms(Record):
    """What both agents sign: for one application, one owner and one function."""

    application: SystemIdentifier
    owner: SystemIdentifier
    function: FunctionName
    fields: tuple[AgreedField, ...]
    valid_from_ms: int
    valid_until_ms: int
    limit_queries: Limit | None = None
    limit_milliyuan: Limit | None = None
    """A limit of the amount: as many whole queries as it covers at the price of all fields."""
    nonce: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{16,64}$")]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        if not 1 <= len(self.fields) <= MAX_AGREED_FIELDS:
            yield "fields", f"want 1 to {MAX_AGREED_FIELDS}"
        if len({str(one.field) for one in self.fields}) != len(self.fields):
            yield "fields", "one stands twice"
        if any(one.field.system != self.owner for one in self.fields):
            yield "fields", "want the owner's"
        if not 0 < self.valid_until_ms - self.valid_from_ms <= MAX_AGREEMENT_MS:
            yield "valid_until_ms", "want a validity of at most 366 days"
        if self.limit_queries is None and self.limit_milliyuan is None:
            yield "limit_queries", "want a limit of queries or of the amount"
        elif self.queries() == 0:
            yield "limit_milliyuan", "does not cover one query of all fields"

    @property
    def id(self) -> str:
        """SHA-256 of the bytes, in hexadecimal: the agreement's id."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def queries(self) -> int:
        """Return how many queries the limits allow."""
        price = sum(one.price_milliyuan for one in self.fields)
        limits = [MAX_AGREED_QUERIES]
        if self.limit_queries is not None:
            limits.append(self.limit_queries)
        if self.limit_milliyuan is not None and price:
            limits.append(self.limit_milliyuan // price)
        return min(limits)

    def agreed(self, field: FieldIdentifier) -> AgreedField | None:
        """Return what was agreed of a field."""
        return next((one for one in self.fields if one.field == field), None)


@record("signed-agreement/1")
class SignedAgreement(Record):
    """Terms with both signatures, DER; a file of it passes between the parties until both have signed."""

    terms: AgreementTerms
    application_signature: bytes
    owner_signature: bytes | None = None


@record("agreement/1")
class Agreement(Record):
    """An agreement that was concluded."""

    id: AgreementId
    signed: SignedAgreement
    queries: int
    """Queries that it allows, numbered from 1."""
    concluded_ms: int
    ended_ms: int | None = None
    """When a party ended it early."""
    ended_by: SystemIdentifier | None = None

    @property
    def terms(self) -> AgreementTerms:
        """What was agreed."""
        return self.signed.terms


@record("agreement-mark/1")
class AgreementMark(Record):
    """An agreement concerns this party and function."""

    other: SystemIdentifier
    """The other party."""
    valid_until_ms: int


@value
class AgreementUse(ModelValue):
    """Names one of the queries that an agreement allows."""

    agreement: AgreementId
    number: Annotated[int, Field(ge=1, le=MAX_AGREED_QUERIES)]


@record("agreement-use/1")
class UsedAgreement(Record):
    """A query under an agreement was made."""

    order: OrderId


@value
class AgreedOrderEntry(ModelValue):
    """A repeated query: the request, the owners' actual roots, the agreements, and the notes that pay."""

    signed: SignedRequest
    answers: tuple[SignedRoots, ...]
    uses: tuple[AgreementUse, ...]
    """One for each target system."""
    most_milliyuan: Amount
    """What it pays at most, fee included; altered fields cost nothing."""
    notes: tuple[MoneyKey, ...]
    hold_ms: Annotated[int, Field(ge=LEAST_HOLD_MS, le=LONGEST_HOLD_MS)]

    def broken_rules(self) -> Iterable[tuple[str, str]]:
        yield from check_notes(self.notes)
        if not 1 <= len(self.uses) <= MAX_USES:
            yield "uses", f"want 1 to {MAX_USES}"
        if len({use.agreement for use in self.uses}) != len(self.uses):
            yield "uses", "an agreement stands twice"


@value
class AgreedOrder(ModelValue):
    """An order under agreements, with what the contract decided about its request."""

    resolution: Resolution
    order: Order | None = None
    """None where every field is withheld."""
