"""What systems of several processes need of a machine: processes that outlive a command, ports, folders."""

from gridledger.host.durable_file import write_file
from gridledger.host.lock import folder_lock
from gridledger.host.ports import LOOPBACK, free_ports, is_listening
from gridledger.host.process import ManagedProcess

__all__ = ["LOOPBACK", "ManagedProcess", "folder_lock", "free_ports", "is_listening", "write_file"]
