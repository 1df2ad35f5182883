"""Tables of the read model.

Everything in them follows from the chain, block by block, and identifiers of rows count in the order of the
chain: two models of one chain are equal, and bookmarks outlive a rebuild. So a change of the schema needs no
migration: the number goes up, and the model is emptied and filled again from block 0.
"""

from __future__ import annotations

from typing import Final

__all__ = ["APPLICATION_ID", "SCHEMA_VERSION", "TABLES"]

APPLICATION_ID: Final = 0x474C524D
"""`GLRM` in the file's header: what tells a read model from any other SQLite file."""

SCHEMA_VERSION: Final = 2

TABLES: Final = """
-- How far the model has come; written with the rows, in one transaction.
CREATE TABLE progress (
    one INTEGER PRIMARY KEY CHECK (one = 1), channel TEXT NOT NULL, chaincode TEXT NOT NULL,
    next_block INTEGER NOT NULL, hash BLOB NOT NULL);
-- Records that this version cannot read: of a newer chaincode, or of none.
CREATE TABLE unread (
    id INTEGER PRIMARY KEY, block INTEGER NOT NULL, tx_id TEXT NOT NULL, key TEXT NOT NULL,
    problem TEXT NOT NULL);

-- The register.
CREATE TABLE system (
    identifier TEXT PRIMARY KEY, root TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL,
    name TEXT NOT NULL, enterprise TEXT NOT NULL, region TEXT NOT NULL, record TEXT NOT NULL) WITHOUT ROWID;
-- Prefixes that systems had before: what was published under them counts for what is there now.
CREATE TABLE former (
    prefix TEXT NOT NULL, system TEXT NOT NULL, PRIMARY KEY (prefix, system)) WITHOUT ROWID;
CREATE INDEX former_by_system ON former (system);
CREATE TABLE application (id TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE user (
    application TEXT NOT NULL, name TEXT NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (application, name)) WITHOUT ROWID;
CREATE TABLE device (
    id INTEGER PRIMARY KEY, identifier TEXT NOT NULL UNIQUE, system TEXT NOT NULL, state TEXT NOT NULL,
    record TEXT NOT NULL, hit TEXT NOT NULL DEFAULT '');
CREATE INDEX device_by_system ON device (system);
CREATE TABLE field (
    id INTEGER PRIMARY KEY, identifier TEXT NOT NULL UNIQUE, device TEXT NOT NULL, system TEXT NOT NULL,
    name TEXT NOT NULL, state TEXT NOT NULL, allocated_ms INTEGER NOT NULL, record TEXT NOT NULL,
    hit TEXT NOT NULL DEFAULT '');
CREATE INDEX field_by_device ON field (device);
CREATE INDEX field_by_selector ON field (system, name);
-- What fields were called before they moved: their use goes on under the new identifier.
CREATE TABLE moved (
    field TEXT NOT NULL, before TEXT NOT NULL, PRIMARY KEY (field, before)) WITHOUT ROWID;
CREATE TABLE standard (
    field TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE publication (
    application TEXT NOT NULL, system TEXT NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (application, system, name)) WITHOUT ROWID;
CREATE INDEX publication_by_selector ON publication (system, name);

-- Datasets of lakes, each with its sharing policy and its newest stored version.
CREATE TABLE dataset (
    id INTEGER PRIMARY KEY, identifier TEXT NOT NULL UNIQUE, system TEXT NOT NULL, record TEXT NOT NULL,
    policy TEXT NOT NULL DEFAULT '', version TEXT NOT NULL DEFAULT '');
CREATE INDEX dataset_by_system ON dataset (system);
CREATE TABLE membership (system TEXT PRIMARY KEY, platform TEXT NOT NULL) WITHOUT ROWID;

-- Full text. Rows are those of field, device and dataset; a viewer is a token among the others.
CREATE VIRTUAL TABLE field_index USING fts5 (tokens, tokenize = 'ascii', detail = none, columnsize = 0);
CREATE VIRTUAL TABLE device_index USING fts5 (tokens, tokenize = 'ascii', detail = none, columnsize = 0);
CREATE VIRTUAL TABLE dataset_index USING fts5 (tokens, tokenize = 'ascii', detail = none, columnsize = 0);
-- By which of its fields a viewer sees a device.
CREATE TABLE device_viewer (
    device INTEGER NOT NULL, viewer TEXT NOT NULL, field TEXT NOT NULL,
    PRIMARY KEY (device, viewer)) WITHOUT ROWID;

-- Logs of the register.
CREATE TABLE entry (
    id INTEGER PRIMARY KEY, log TEXT NOT NULL, subject TEXT NOT NULL, system TEXT NOT NULL,
    event TEXT NOT NULL, before TEXT NOT NULL, after TEXT NOT NULL, block INTEGER NOT NULL,
    tx_id TEXT NOT NULL, time_ms INTEGER NOT NULL, msp_id TEXT NOT NULL, actor TEXT NOT NULL);
CREATE INDEX entry_by_log ON entry (log);
CREATE INDEX entry_by_system ON entry (log, system);
CREATE INDEX entry_by_subject ON entry (log, subject);

-- Use.
CREATE TABLE resolution (
    id INTEGER PRIMARY KEY, resolution TEXT NOT NULL UNIQUE, application TEXT NOT NULL, user TEXT NOT NULL,
    user_role TEXT NOT NULL, function TEXT NOT NULL, purpose TEXT NOT NULL, device TEXT NOT NULL,
    first TEXT NOT NULL, last TEXT NOT NULL, resolved_ms INTEGER NOT NULL, block INTEGER NOT NULL,
    tx_id TEXT NOT NULL, msp_id TEXT NOT NULL, actor TEXT NOT NULL);
CREATE INDEX resolution_by_application ON resolution (application);
CREATE TABLE target (
    resolution INTEGER NOT NULL, field TEXT NOT NULL, owner TEXT NOT NULL, price_milliyuan INTEGER NOT NULL,
    withheld INTEGER NOT NULL, PRIMARY KEY (resolution, field)) WITHOUT ROWID;
CREATE INDEX target_by_owner ON target (owner, resolution);
CREATE INDEX target_by_field ON target (field, resolution);
CREATE TABLE line (
    order_id TEXT NOT NULL, owner TEXT NOT NULL, application TEXT NOT NULL, resolution TEXT NOT NULL,
    amount_milliyuan INTEGER NOT NULL, fields TEXT NOT NULL, placed_ms INTEGER NOT NULL,
    PRIMARY KEY (order_id, owner)) WITHOUT ROWID;
CREATE TABLE settlement (
    order_id TEXT NOT NULL, owner TEXT NOT NULL, application TEXT NOT NULL, state TEXT NOT NULL,
    amount_milliyuan INTEGER NOT NULL, settled_ms INTEGER NOT NULL,
    PRIMARY KEY (order_id, owner)) WITHOUT ROWID;
CREATE INDEX settlement_by_owner ON settlement (owner);
CREATE TABLE sale (
    order_id TEXT NOT NULL, field TEXT NOT NULL, owner TEXT NOT NULL, application TEXT NOT NULL,
    amount_milliyuan INTEGER NOT NULL, settled_ms INTEGER NOT NULL,
    PRIMARY KEY (order_id, field)) WITHOUT ROWID;
CREATE INDEX sale_by_field ON sale (field);
CREATE INDEX sale_by_owner ON sale (owner);
"""
