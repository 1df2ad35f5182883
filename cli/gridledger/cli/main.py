"""The entry point: `gridledger GROUP COMMAND …`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

import click

from gridledger.cli.command import LazyGroup
from gridledger.cli.output import Output

__all__ = ["cli", "main", "run"]

_GROUPS = {
    # A group: where it stands, and its line in the help.
    "account": ("gridledger.cli.account_cmd:group", "Pay in, show and tidy up the money of an account."),
    "agent": ("gridledger.cli.agent_cmd:group", "Run an organisation's agent."),
    "agreement": ("gridledger.cli.agreement_cmd:group", "Agree on prices for many queries."),
    "audit": ("gridledger.cli.audit_cmd:group", "Approve and reject, as an auditor."),
    "ca": ("gridledger.cli.ca_cmd:group", "Register, revoke and list at a certificate authority."),
    "backup": ("gridledger.cli.backup_cmd:group", "Back up and restore what a server keeps in files."),
    "catalogue": ("gridledger.cli.catalogue_cmd:group", "Deposit association catalogues, publish fields."),
    "claim": ("gridledger.cli.claim_cmd:group", "Collect what is owed, deny and decide claims."),
    "completion": ("gridledger.cli.completion_cmd:command", "Print a shell's completion script."),
    "council": ("gridledger.cli.council_cmd:group", "Elect the super nodes that order and review."),
    "custodian": ("gridledger.cli.custodian_cmd:group", "Check lakes and sign for what is stored."),
    "dataset": ("gridledger.cli.dataset_cmd:group", "Register and share datasets of a lake."),
    "demo": ("gridledger.cli.demo_cmd:command", "Show a paid, proven look-up of a real PV plant's data."),
    "device": ("gridledger.cli.device_cmd:group", "Register devices under their own codes."),
    "edge": ("gridledger.cli.edge_cmd:group", "Send records without a name; keep, receive, share them."),
    "fee": ("gridledger.cli.fee_cmd:group", "Set, show and pay the platform's fees."),
    "field": ("gridledger.cli.field_cmd:group", "Register fields, price them, deposit their roots."),
    "identity": ("gridledger.cli.identity_cmd:group", "Enrol at a certificate authority, renew, take over."),
    "index": ("gridledger.cli.index_cmd:group", "Find data of a lake by features or by label."),
    "lake": ("gridledger.cli.lake_cmd:group", "Put, get and find payloads in a data lake; run its HDFS."),
    "log": ("gridledger.cli.log_cmd:group", "Show what was registered, changed and resolved."),
    "network": ("gridledger.cli.network_cmd:group", "Run a network of either world and deploy to it."),
    "order": ("gridledger.cli.order_cmd:group", "Order, fetch, settle and take back."),
    "person": ("gridledger.cli.person_cmd:group", "Apply for the review of persons, vouch for systems."),
    "provider": ("gridledger.cli.provider_cmd:group", "Serve a business system's data."),
    "publication": (
        "gridledger.cli.publication_cmd:group",
        "Show what is published, ask for more, grant, withdraw.",
    ),
    "resolve": ("gridledger.cli.resolve_cmd:group", "Sign requests, resolve and forward them."),
    "response": ("gridledger.cli.response_cmd:group", "Run demand response: terminals, server, proofs."),
    "right": ("gridledger.cli.right_cmd:group", "Set and show which user roles may see a field."),
    "rule": ("gridledger.cli.rule_cmd:group", "Set and show resolution rules."),
    "search": ("gridledger.cli.search_cmd:group", "Find fields and devices by words."),
    "statistics": ("gridledger.cli.statistics_cmd:group", "Count queries, sum revenue, tell owners of use."),
    "system": ("gridledger.cli.system_cmd:group", "Apply for system identifiers, check applications."),
}
_INTERRUPTED = 130
_BROKEN_PIPE = 141


@click.group(
    cls=LazyGroup,
    lazy=_GROUPS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="gridledger")
def cli() -> None:
    """Energy data that stays with its owners: found by identifier, paid per query, provable on the ledger.

    An error ends a command with the exit code of its class, and is said on standard error as `GL-… message`,
    with --json as JSON.
    """


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # A terminated command stops what it started, as an interrupted one does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Commands start programs and never go on in a fork: gRPC is to do nothing there, and to say nothing.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str], output: Output | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str
        What stands behind `gridledger`.
    output : Output, optional
        Where results go; the process's own streams by default.

    Returns
    -------
    int
        Exit code: 0, the error's, or 2 for a command that was called wrongly.
    """
    output = output or Output()
    try:
        code = cli.main(args=list(arguments), prog_name="gridledger", standalone_mode=False, obj=output)
    except click.ClickException as error:
        if "--json" in arguments:
            # It may stand behind what could not be read.
            output.use_json()
        output.fail_usage(_usage(error))
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader has left, as `head` does: what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    # What --help and a command that failed end with; commands themselves return nothing.
    return code if isinstance(code, int) else 0


def _usage(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    hint = f"\n{context.get_usage()}" if context is not None else ""
    return f"{error.format_message()}{hint}"
