"""The data lake: payloads on HDFS, deduplicated and sealed before they leave their owner."""

__all__: list[str] = []
