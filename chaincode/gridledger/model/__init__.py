"""The words of the system: identifiers, records, canonical bytes, digests, Merkle proofs, money, errors."""
