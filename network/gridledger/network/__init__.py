"""Networks to run GridLedger on: the embedded devnet and real Hyperledger Fabric, by the same calls.

network = Network.create(Path("net"), world=World.DEVNET)
network.up()
network.deploy("probe", "probe:Probe")
connection = network.connection(org="org1", user="user1")

`attach` makes a folder for a network that others run, which the same calls take.
"""

from gridledger.network.attached.approval import approve, commit
from gridledger.network.attached.attachment import OrganisationAccess, attach
from gridledger.network.authority import CertificateAuthority, Credential, NodeRole, Validity
from gridledger.network.description import ContainerImages, NetworkDescription, Settings, World
from gridledger.network.material import Member, OrganisationKind, OrganisationMaterial
from gridledger.network.network import Network
from gridledger.network.status import NetworkStatus

__all__ = [
    "CertificateAuthority",
    "ContainerImages",
    "Credential",
    "Member",
    "Network",
    "NetworkDescription",
    "NetworkStatus",
    "NodeRole",
    "OrganisationAccess",
    "OrganisationKind",
    "OrganisationMaterial",
    "Settings",
    "Validity",
    "World",
    "approve",
    "attach",
    "commit",
]
