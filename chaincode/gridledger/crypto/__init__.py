"""Sealing and key wrapping; each module stands for itself, since contracts may import only those that check.

gridledger.crypto.secret_key    32 secret bytes that no repr shows, and what is derived from them
gridledger.crypto.sealing       AES-256-GCM with a random nonce
gridledger.crypto.dataset_key   the key of a dataset: epochs, rotation, wrapping to a recipient
gridledger.crypto.wrapping      HPKE (RFC 9180) to X25519 keys
"""

__all__: list[str] = []
