"""What an owner checks before it delivers and before it countersigns: that words agree with the ledger.

Source: CN112508707B, [0095], [0097].
"""

from __future__ import annotations

from gridledger.exchange.messages import DeliveryQuestion
from gridledger.exchange.vault import KeptDelivery
from gridledger.model.errors import CryptoError
from gridledger.model.exchange_refusals import ContractDiffers, SignatureRefused
from gridledger.model.paid_line import PaidLine
from gridledger.model.signature import verify_signature
from gridledger.model.trade import TransactionContract

__all__ = ["check_contract", "check_question"]


def check_question(question: DeliveryQuestion, line: PaidLine) -> None:
    """Refuse a question that is not of this line of this order.

    Raises
    ------
    ContractDiffers, SignatureRefused
        Naming what differs, or whose signature does not hold.
    """
    asked, context = question.asked.request, question.context
    expected = {
        "the order": (asked.order, asked.resolution) == (line.order.id, line.order.resolution),
        "the parties": (asked.application, asked.owner) == (line.order.application, line.target.system),
        "the context": (context.request, context.signature) == (line.request, line.signature or b""),
    }
    differing = [what for what, holds in expected.items() if not holds]
    if differing:
        raise ContractDiffers(f"not as ordered: {', '.join(differing)}")
    try:
        verify_signature(line.agent.public_key, asked.to_bytes(), question.asked.signature)
    except CryptoError as error:
        raise SignatureRefused("delivery request", str(asked.application)) from error


def check_contract(contract: TransactionContract, line: PaidLine, kept: KeptDelivery | None) -> None:
    """Refuse a transaction contract that says anything else than what was ordered and delivered.

    Raises
    ------
    ContractDiffers
        Naming what differs.
    """
    if kept is None:
        raise ContractDiffers("nothing was delivered for this order")
    request = line.request
    fields = tuple(field.field for field in line.target.forwarded())
    expected = {
        "the parties": (contract.application, contract.owner) == (request.application, line.target.system),
        "the resolution": contract.resolution == line.order.resolution,
        "the fields": contract.fields == fields,
        "the days": (contract.first, contract.last) == (request.first, request.last),
        "the content": (contract.content, contract.rows) == (kept.content, kept.rows),
        "the amount": contract.amount_milliyuan == line.hold.amount_milliyuan,
    }
    differing = [what for what, holds in expected.items() if not holds]
    if differing:
        raise ContractDiffers(f"not as delivered: {', '.join(differing)}")
