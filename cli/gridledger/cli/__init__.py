"""The command `gridledger`; each group of commands stands in a module of its own, `<group>_cmd`."""

__all__: list[str] = []
