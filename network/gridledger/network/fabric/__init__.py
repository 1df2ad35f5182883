"""Hyperledger Fabric as native processes: configuration, first block, orderers, peers."""

__all__: list[str] = []
