"""The worked example: plant R27, which three business systems know."""
