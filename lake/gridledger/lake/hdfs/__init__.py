"""Real HDFS on this machine: a NameNode and DataNodes as processes or in containers."""

from gridledger.lake.hdfs.cluster import HdfsCluster
from gridledger.lake.hdfs.container_cluster import IMAGE, ContainerCluster, build_image
from gridledger.lake.hdfs.status import DataNodeStatus, HdfsStatus

__all__ = ["IMAGE", "ContainerCluster", "DataNodeStatus", "HdfsCluster", "HdfsStatus", "build_image"]
