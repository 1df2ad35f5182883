"""The index: features of datasets, clustered by mean shift."""

from gridledger.lake.index.bandwidth import estimate_bandwidth
from gridledger.lake.index.kd_tree import KdTree
from gridledger.lake.index.mean_shift import Clustering, mean_shift
from gridledger.lake.index.points import Floats, Integers

__all__ = ["Clustering", "Floats", "Integers", "KdTree", "estimate_bandwidth", "mean_shift"]
