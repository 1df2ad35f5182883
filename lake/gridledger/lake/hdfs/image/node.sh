#!/bin/sh
# Runs one process of HDFS: namenode or datanode. Configuration is mounted at /conf, data lie in /data.
set -eu
flags="-Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.net.preferIPv4Stack=true"
run="java $flags -cp /conf:/opt/hadoop/* -Dlog4j2.configurationFile=/conf/log4j2.properties"
server=org.apache.hadoop.hdfs.server
case "$1" in
namenode)
    [ -e /data/current/VERSION ] || $run $server.namenode.NameNode -format -nonInteractive
    exec $run $server.namenode.NameNode
    ;;
datanode) exec $run $server.datanode.DataNode ;;
*) echo "want namenode or datanode, not $1" >&2; exit 2 ;;
esac
