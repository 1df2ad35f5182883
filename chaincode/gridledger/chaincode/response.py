"""The contract `response`: terminals of demand response, anchors of their records, comparison of both sides.

Source: CN115334117A.
"""

from __future__ import annotations

from gridledger.chaincode.anchor_transactions import AnchorTransactions
from gridledger.chaincode.terminal_transactions import TerminalTransactions

__all__ = ["ResponseContract"]


class ResponseContract(TerminalTransactions, AnchorTransactions):
    """Records of demand response, anchored beside the business path; its functions stand a module a noun."""

    name = "response"
