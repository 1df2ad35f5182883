"""Networks to run GridLedger on: the embedded devnet and real Hyperledger Fabric, by the same commands."""
