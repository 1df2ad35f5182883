"""Real HDFS on this machine: a NameNode and DataNodes as Java processes, from Spark's jars and one more."""

from gridledger.lake.hdfs.cluster import HdfsCluster
from gridledger.lake.hdfs.status import DataNodeStatus, HdfsStatus

__all__ = ["DataNodeStatus", "HdfsCluster", "HdfsStatus"]
