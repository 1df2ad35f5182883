"""The worked example: plant R27, which three business systems know.

`Scene` sets it up, `gridledger.exchange.demo.play` takes the steps.
"""

from gridledger.exchange.demo.scene import Scene

__all__ = ["Scene"]
