"""The tables of a server, beside those that it shares with terminals."""

from __future__ import annotations

from typing import Final

from gridledger.response.schema import SCHEMA

__all__ = ["SERVER_SCHEMA"]

SERVER_SCHEMA: Final = (
    SCHEMA
    + """;
CREATE TABLE IF NOT EXISTS inbox (
    id {serial}, terminal TEXT NOT NULL, body {passing} NOT NULL, answer {bytes} NOT NULL,
    received_ms {number} NOT NULL
);
CREATE INDEX IF NOT EXISTS inbox_terminal ON inbox (terminal, id);
CREATE TABLE IF NOT EXISTS terminal (name TEXT PRIMARY KEY, entry {bytes} NOT NULL);
CREATE TABLE IF NOT EXISTS demand (
    id TEXT PRIMARY KEY, published_ms {number} NOT NULL, start_ms {number} NOT NULL, body {bytes} NOT NULL
);
CREATE TABLE IF NOT EXISTS load (
    site TEXT NOT NULL, start_ms {number} NOT NULL, terminal TEXT NOT NULL, length_s {number} NOT NULL,
    energy_wh {number} NOT NULL, PRIMARY KEY (start_ms, site, terminal)
) {clustered};
CREATE TABLE IF NOT EXISTS reply (
    demand TEXT NOT NULL, site TEXT NOT NULL, terminal TEXT NOT NULL, number {number} NOT NULL,
    reduction_wh {number} NOT NULL, received_ms {number} NOT NULL, PRIMARY KEY (demand, terminal)
) {clustered}
"""
)
