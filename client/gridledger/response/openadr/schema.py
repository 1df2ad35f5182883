"""The tables that OpenADR adds to a server's database."""

from __future__ import annotations

from typing import Final

__all__ = ["OPENADR_SCHEMA"]

OPENADR_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS ven_client (
    client TEXT PRIMARY KEY, site TEXT NOT NULL, salt {bytes} NOT NULL, secret {bytes} NOT NULL
);
CREATE TABLE IF NOT EXISTS ven_key (one {number} PRIMARY KEY, secret {bytes} NOT NULL);
CREATE TABLE IF NOT EXISTS ven_object (
    serial {serial}, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, client TEXT NOT NULL, once TEXT NOT NULL,
    parent TEXT NOT NULL, created_ms {number} NOT NULL, modified_ms {number} NOT NULL, body {bytes} NOT NULL,
    UNIQUE (kind, once)
);
CREATE INDEX IF NOT EXISTS ven_object_client ON ven_object (client, kind, serial)
"""
