"""A range of days of what an order paid for, read in pages and proven: for whoever does not want it whole."""

from __future__ import annotations

from dataclasses import replace

from gridledger.exchange.data_application import DataApplication, check_delivery
from gridledger.exchange.delivery_page import PageQuestion, join_pages
from gridledger.exchange.delivery_reader import read_pages
from gridledger.model.delivery import Delivery
from gridledger.model.identifier import SystemIdentifier
from gridledger.model.period import Day
from gridledger.model.resolution import Resolution
from gridledger.model.trade import Order
from gridledger.web import Undelivered

__all__ = ["read_range"]


async def read_range(
    application: DataApplication,
    resolution: Resolution,
    order: Order,
    owner: SystemIdentifier,
    *,
    first: Day | None = None,
    last: Day | None = None,
) -> Delivery:
    """Read what an order paid one owner for, in a range of days and in pages, and prove every row.

    Raises
    ------
    Undelivered
        The resolution does not name the owner.
    RowsUnproven
        Rows do not lead to their deposits.
    """
    target = resolution.target(owner)
    if target is None:
        raise Undelivered("the resolution does not name the owner", owner=str(owner))
    system = await application.party.system(owner)
    question = await application.ask_for(resolution, order, owner)
    reading = read_pages(application.party, system, target.server, question, first=first, last=last)
    periods = join_pages([page async for page, _ in reading])
    delivery = Delivery(order=order.id, owner=owner, periods=periods)
    within = PageQuestion(question=question, first=first, last=last)
    fields = tuple(
        replace(field, checks=tuple(check for check in field.checks if within.holds(check.period)))
        for field in target.forwarded()
    )
    check_delivery(delivery, order, replace(target, fields=fields))
    return delivery
