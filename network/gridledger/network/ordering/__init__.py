"""Who orders a channel, and how that changes: orderers as clients see them, and configuration updates."""

__all__: list[str] = []
