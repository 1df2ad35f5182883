"""The contract `trade`: money, pay-outs, fees, agreements, orders with holds, transaction contracts, claims.

Source: CN112508707B, [0066], [0096] to [0099].
"""

from __future__ import annotations

from gridledger.chaincode.agreement_transactions import AgreementTransactions
from gridledger.chaincode.claim_transactions import ClaimTransactions
from gridledger.chaincode.fee_transactions import FeeTransactions
from gridledger.chaincode.money_transactions import MoneyTransactions
from gridledger.chaincode.order_transactions import OrderTransactions
from gridledger.chaincode.pay_out_transactions import PayOutTransactions

__all__ = ["Trade"]


class Trade(
    MoneyTransactions,
    PayOutTransactions,
    FeeTransactions,
    AgreementTransactions,
    OrderTransactions,
    ClaimTransactions,
):
    """Money and what is bought with it; its functions stand in one module a noun."""

    name = "trade"
