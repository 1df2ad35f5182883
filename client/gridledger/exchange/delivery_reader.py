"""A data application's way to a delivery: in one answer, or page by page where it is too long."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gridledger.exchange.delivery_page import (
    MAX_BUNDLED_ROWS,
    MAX_PAGE_ROWS,
    MAX_WHOLE_ROWS,
    DeliveryPage,
    PageCursor,
    PageQuestion,
    join_pages,
)
from gridledger.exchange.errors import DeliveryTooLong, RowsUnproven
from gridledger.exchange.messages import DELIVERIES_PATH, DELIVERY_PAGES_PATH, DeliveryQuestion
from gridledger.exchange.party import Party
from gridledger.model.delivery import Delivery
from gridledger.model.period import Day
from gridledger.model.system import System
from gridledger.web import Evidence

__all__ = ["read_delivery", "read_pages"]


async def read_delivery(
    party: Party, owner: System, server: str, question: DeliveryQuestion, *, rows: int = MAX_WHOLE_ROWS
) -> tuple[Delivery, Evidence]:
    """Read a whole delivery, in pages where the owner says that it is too long.

    Parameters
    ----------
    party : Party
        The data application's agent.
    owner : System
    server : str
        Origin of the owner's server.
    question : DeliveryQuestion
    rows : int, default 50,000
        How many rows it has; a short delivery goes together with others that are asked for at the same time.

    Returns
    -------
    Delivery and Evidence
        Not checked against its deposits yet; of several answers the last one's evidence, and of several
        deliveries in one answer that answer.

    Raises
    ------
    ContractError, ModelError, ServiceError
        What the owner's server answered.
    RowsUnproven
        Its pages do not end.
    """
    try:
        reply = await party.call(
            server,
            DELIVERIES_PATH,
            question,
            gives=Delivery,
            agent=owner.agent,
            bundled=rows <= MAX_BUNDLED_ROWS,
        )
    except DeliveryTooLong:
        found = [one async for one in read_pages(party, owner, server, question)]
        periods = join_pages(page for page, _ in found)
        return Delivery(order=question.order, owner=owner.identifier, periods=periods), found[-1][1]
    return reply.value, reply.evidence


async def read_pages(
    party: Party,
    owner: System,
    server: str,
    question: DeliveryQuestion,
    *,
    first: Day | None = None,
    last: Day | None = None,
    rows: int = MAX_PAGE_ROWS,
) -> AsyncIterator[tuple[DeliveryPage, Evidence]]:
    """Read a delivery page by page.

    Parameters
    ----------
    party : Party
        The data application's agent.
    owner : System
    server : str
        Origin of the owner's server.
    question : DeliveryQuestion
    first, last : Day, optional
        Only periods that hold days of this range; all by default.
    rows : int, default 20,000
        Rows a page.

    Raises
    ------
    ContractError, ModelError, ServiceError
        What the owner's server answered.
    RowsUnproven
        A page is of another order, or its cursor does not move on.
    """
    after: PageCursor | None = None
    while True:
        asked = PageQuestion(question=question, first=first, last=last, after=after, rows=rows)
        reply = await party.call(server, DELIVERY_PAGES_PATH, asked, gives=DeliveryPage, agent=owner.agent)
        page, cursor = reply.value, reply.value.cursor()
        if (page.order, page.owner) != (question.order, owner.identifier):
            raise RowsUnproven("the page is of another order", order=question.order)
        yield page, reply.evidence
        if page.is_last:
            return
        if cursor is None or cursor == after:
            raise RowsUnproven("the pages do not end", order=question.order)
        after = cursor
