"""The exchange of CN112508707B: business systems, the aggregation system, data applications."""
