"""The contracts of the exchange as typed calls."""

from __future__ import annotations

from gridledger.exchange.agreement_calls import AgreementCalls
from gridledger.exchange.catalogue_calls import CatalogueCalls
from gridledger.exchange.claim_calls import ClaimCalls
from gridledger.exchange.fee_calls import FeeCalls
from gridledger.exchange.integrity_calls import IntegrityCalls
from gridledger.exchange.pay_out_calls import PayOutCalls
from gridledger.exchange.registry_calls import RegistryCalls
from gridledger.exchange.resolution_calls import ResolutionCalls
from gridledger.exchange.search_calls import SearchCalls
from gridledger.exchange.trade_calls import TradeCalls

__all__ = ["ExchangeLedger"]


class ExchangeLedger(
    RegistryCalls,
    CatalogueCalls,
    ResolutionCalls,
    IntegrityCalls,
    TradeCalls,
    PayOutCalls,
    AgreementCalls,
    ClaimCalls,
    FeeCalls,
    SearchCalls,
):
    """One identity's calls to the contracts of the exchange.

    Notes
    -----
    Its bases are the only modules here that know the names of transactions. Every call raises what
    `Contract.evaluate`, `submit` or `submit_once` of the client raises: ContractError where the contract
    refused, GatewayError where a step failed. Functions that take `call_key` happen once; a caller that
    repeats one after a crash gives the same key.
    """
