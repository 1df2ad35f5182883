"""`gridledger edge`: side devices, storage nodes, envelopes."""

from __future__ import annotations

from gridledger.cli.command import LazyGroup

__all__ = ["group"]

_COMMANDS = {
    "audit": ("gridledger.cli.edge_envelope_cmd:audit", "Check all deposits of a period anew."),
    "device": ("gridledger.cli.edge_device_cmd:group", "Register side devices and issue their keys."),
    "fetch": ("gridledger.cli.edge_envelope_cmd:fetch", "Fetch, open and sign for envelopes."),
    "node": ("gridledger.cli.edge_node_cmd:group", "Register, serve and repair storage nodes."),
    "scan": ("gridledger.cli.edge_envelope_cmd:scan_period", "Find the envelopes for an address."),
    "send": ("gridledger.cli.edge_envelope_cmd:send", "Send a record without a name."),
    "share": ("gridledger.cli.edge_share_cmd:group", "Share envelopes between storage nodes."),
}

group = LazyGroup(
    name="edge",
    lazy=_COMMANDS,
    help="Send records without a name, and keep and receive what was sent.",
    no_args_is_help=True,
)
