"""CryptoNote: one-time keys, signatures and ring signatures over edwards25519, in Monero's published format.

Functions take and return bytes and are named as in Monero's test vectors.

gridledger.crypto.cryptonote.keccak        the protocol's hash
gridledger.crypto.cryptonote.scalar        numbers modulo the group's order
gridledger.crypto.cryptonote.edwards       the curve in Python integers, for public points only
gridledger.crypto.cryptonote.point         points: decoding, the prime-order group, sums and multiples
gridledger.crypto.cryptonote.hash_to_point the point that a public key is hashed to
gridledger.crypto.cryptonote.keys          derivations, one-time keys, view tags, key images
gridledger.crypto.cryptonote.tag_sieve     passing over keys of others by their view tags
gridledger.crypto.cryptonote.signature     checking a signature of one key
gridledger.crypto.cryptonote.ring          checking a ring signature
gridledger.crypto.cryptonote.signing       making both: draws random numbers
gridledger.crypto.cryptonote.stealth       addresses of devices, one-time keys at them: draws random numbers

Each module stands for itself, since contracts may import only those that draw nothing.

References
----------
Nicolas van Saberhagen, CryptoNote v 2.0 (2013), sections 4.3 and 4.4.
"""

__all__: list[str] = []
