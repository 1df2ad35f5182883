"""The index: features of datasets, clustered by mean shift, in layers that tell at once what is not there.

plan = planned("households", "series/1", datasets="households/*", declared={"value": "Load [kWh]"})
index = Index.build(lake, plan, extract(lake, plan).entries, bandwidth=1.0)
index.query(Query(features=(23.0, 18.5, 0.4, 0.2, 0.0), tolerance=0.5)).matches
"""

from gridledger.lake.index.answer import Answer, Match, Query, Step, StepName
from gridledger.lake.index.bandwidth import estimate_bandwidth
from gridledger.lake.index.draft import Plan
from gridledger.lake.index.drift import Drift
from gridledger.lake.index.entry import Entry, Location
from gridledger.lake.index.extraction import Extraction, extract, planned
from gridledger.lake.index.extractor import Extractor
from gridledger.lake.index.feature import Feature, FeatureSet
from gridledger.lake.index.feature_sets import EXTRACTORS, feature_set
from gridledger.lake.index.index import Growth, Index
from gridledger.lake.index.index_record import ClusterRow, DiscriminantTable
from gridledger.lake.index.kd_tree import KdTree
from gridledger.lake.index.mean_shift import Clustering, Seeding, mean_shift
from gridledger.lake.index.points import Floats, Integers
from gridledger.lake.index.reclustering import Reclustering, reclustering
from gridledger.lake.index.swapping import Clusterer, local_modes
from gridledger.lake.index.walkers import Threads, Walkers

__all__ = [
    "EXTRACTORS",
    "Answer",
    "ClusterRow",
    "Clusterer",
    "Clustering",
    "DiscriminantTable",
    "Drift",
    "Entry",
    "Extraction",
    "Extractor",
    "Feature",
    "FeatureSet",
    "Floats",
    "Growth",
    "Index",
    "Integers",
    "KdTree",
    "Location",
    "Match",
    "Plan",
    "Query",
    "Reclustering",
    "Seeding",
    "Step",
    "StepName",
    "Threads",
    "Walkers",
    "estimate_bandwidth",
    "extract",
    "feature_set",
    "local_modes",
    "mean_shift",
    "planned",
    "reclustering",
]
