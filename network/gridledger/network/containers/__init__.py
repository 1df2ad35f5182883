"""Hyperledger Fabric in containers: official images, our chaincode's image, one generated compose file."""

__all__: list[str] = []
