"""devnet: the embedded network. It speaks Fabric's gRPC to clients and chaincode, in one process, without consensus."""

__all__: list[str] = []
