"""The tables that terminal and server share; `{bytes}` and its like are what a database calls them."""

from __future__ import annotations

from typing import Final

__all__ = ["SCHEMA", "VERSION"]

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS record (
    terminal TEXT NOT NULL, number {number} NOT NULL, run {number} NOT NULL, time_ms {number} NOT NULL,
    state TEXT NOT NULL, data {bytes} NOT NULL, salt {bytes} NOT NULL, leaf {bytes} NOT NULL, code TEXT,
    received_ms {number}, PRIMARY KEY (terminal, number)
) {clustered};
CREATE INDEX IF NOT EXISTS refused_record ON record (terminal, number) WHERE state = 'server-error';
CREATE TABLE IF NOT EXISTS run (
    terminal TEXT NOT NULL, first {number} NOT NULL, count {number} NOT NULL, phase TEXT NOT NULL,
    opened_ms {number} NOT NULL, told {number} NOT NULL DEFAULT 0, tx_id TEXT, block {number}, leaves {bytes},
    comparison TEXT, look_ms {number} NOT NULL DEFAULT 0, done_ms {number},
    cleaned {number} NOT NULL DEFAULT 0,
    PRIMARY KEY (terminal, first)
);
CREATE INDEX IF NOT EXISTS run_phase ON run (phase, terminal, first);
CREATE INDEX IF NOT EXISTS run_untold ON run (terminal, first) WHERE told = 0;
CREATE INDEX IF NOT EXISTS run_look ON run (look_ms) WHERE phase = 'anchored' AND comparison IS NULL;
CREATE INDEX IF NOT EXISTS run_done ON run (done_ms) WHERE cleaned = 0;
CREATE INDEX IF NOT EXISTS run_sent ON run (tx_id) WHERE phase = 'sent';
CREATE TABLE IF NOT EXISTS envelope (
    tx_id TEXT PRIMARY KEY, data {bytes} NOT NULL, made_ms {number} NOT NULL
);
CREATE TABLE IF NOT EXISTS progress (
    terminal TEXT PRIMARY KEY, last {number} NOT NULL, answered {number} NOT NULL
);
CREATE TABLE IF NOT EXISTS tally (state TEXT PRIMARY KEY, count {number} NOT NULL);
CREATE TABLE IF NOT EXISTS run_tally (state TEXT PRIMARY KEY, count {number} NOT NULL);
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)
"""

VERSION: Final = 2
"""Of the tables."""
