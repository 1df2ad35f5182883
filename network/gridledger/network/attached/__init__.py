"""Networks that are there already: attached to by connection profile and administrator, never run by us."""

__all__: list[str] = []
