"""devnet, the embedded network: one process speaks Fabric's gRPC to clients and chaincode; no consensus."""

__all__: list[str] = []
