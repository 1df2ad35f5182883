#!/bin/sh
# Makes stand-ins of Fabric's images from the official binaries, where no image registry answers: peer and orderer
# at the places and with the names of the official ones, on a base image with bash.
#   sh tests/containers/fabric_images.sh [BIN] [BASE] [VERSION]
set -eu
bin=${1:-$HOME/.cache/gridledger/fabric/bin}
base=${2:-gridledger/python:3.11}
version=${3:-3.1.5}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cp -r "$bin/../builders/ccaas" "$folder/ccaas_builder"
for name in peer orderer; do
  cp "$bin/$name" "$folder/$name"
  printf 'FROM %s\nCOPY %s /usr/local/bin/%s\nCOPY ccaas_builder /opt/hyperledger/ccaas_builder\nCMD ["%s"]\n' "$base" "$name" "$name" "$name" > "$folder/$name.Dockerfile"
  DOCKER_BUILDKIT=0 docker build -q -f "$folder/$name.Dockerfile" -t "hyperledger/fabric-$name:$version" "$folder"
done
# A server of Fabric CA belongs beside it: without its binary there is no image of it, and networks go without.
if [ -x "$bin/fabric-ca-server" ]; then
  cp "$bin/fabric-ca-server" "$folder/fabric-ca-server"
  printf 'FROM %s\nCOPY fabric-ca-server /usr/local/bin/fabric-ca-server\nCMD ["fabric-ca-server", "start"]\n' "$base" > "$folder/ca.Dockerfile"
  DOCKER_BUILDKIT=0 docker build -q -f "$folder/ca.Dockerfile" -t "hyperledger/fabric-ca:1.5.21" "$folder"
fi
