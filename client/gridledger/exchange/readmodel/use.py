"""Resolutions, orders and settlements as rows: who asked for what, and what it brought whom."""

from __future__ import annotations

import json
import sqlite3

from gridledger.exchange.readmodel.ledger_block import LedgerTransaction
from gridledger.model.resolution import Resolution
from gridledger.model.states import OrderState
from gridledger.model.trade import Order, Settlement

__all__ = ["Use"]


class Use:
    """Writes the rows of use.

    Parameters
    ----------
    connection : sqlite3.Connection
        Within a transaction of the model.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def resolution(self, transaction: LedgerTransaction, resolution: Resolution) -> None:
        """Take a resolution with its targets."""
        request = resolution.request
        cursor = self._connection.execute(
            "INSERT INTO resolution (resolution, application, user, user_role, function, purpose, device,"
            " first, last, resolved_ms, block, tx_id, msp_id, actor)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (
                resolution.id,
                str(request.application),
                request.user,
                request.user_role,
                request.function,
                request.purpose,
                str(request.device),
                str(request.first),
                str(request.last),
                resolution.resolved_ms,
                transaction.block,
                transaction.tx_id,
                transaction.msp_id,
                transaction.actor,
            ),
        )
        if not cursor.rowcount:
            return
        self._connection.executemany(
            "INSERT INTO target VALUES (?, ?, ?, ?, ?)",
            [
                (
                    cursor.lastrowid,
                    str(field.field),
                    str(target.system),
                    field.price_milliyuan,
                    int(field.withheld),
                )
                for target in resolution.targets
                for field in target.fields
            ],
        )

    def order(self, order: Order) -> None:
        """Take an order's lines."""
        self._connection.executemany(
            "INSERT OR REPLACE INTO line VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    order.id,
                    str(line.system),
                    str(order.application),
                    order.resolution,
                    line.amount_milliyuan,
                    json.dumps([str(field) for field in line.fields]),
                    order.placed_ms,
                )
                for line in order.lines
            ],
        )

    def settlement(self, order: str, owner: str, settlement: Settlement) -> None:
        """Take what became of a line; what was paid for it becomes a sale of each of its fields.

        Notes
        -----
        A line costs the sum of its fields' prices in the resolution, so each field's share is its price.
        """
        line = self._connection.execute(
            "SELECT application, resolution, fields FROM line WHERE order_id = ? AND owner = ?",
            (order, owner),
        ).fetchone()
        if line is None:
            # The order's record could not be read, and stands in the table of those.
            return
        application, resolution, fields = line
        self._connection.execute(
            "INSERT OR REPLACE INTO settlement VALUES (?, ?, ?, ?, ?, ?)",
            (
                order,
                owner,
                application,
                settlement.state.value,
                settlement.amount_milliyuan,
                settlement.settled_ms,
            ),
        )
        if settlement.state is not OrderState.SETTLED:
            return
        prices = self._connection.execute(
            "SELECT field, price_milliyuan FROM target"
            " WHERE resolution = (SELECT id FROM resolution WHERE resolution = ?) AND owner = ?",
            (resolution, owner),
        )
        of_field: dict[str, int] = dict(prices.fetchall())
        self._connection.executemany(
            "INSERT OR REPLACE INTO sale VALUES (?, ?, ?, ?, ?, ?)",
            [
                (order, field, owner, application, of_field.get(field, 0), settlement.settled_ms)
                for field in json.loads(fields)
            ],
        )
