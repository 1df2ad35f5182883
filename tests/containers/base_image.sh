#!/bin/sh
# Makes the base image of the lake's containers from Debian packages, where no image registry answers.
#   sh tests/containers/base_image.sh [IMAGE] [SUITE] [MIRROR]
# Wants root, debootstrap and a Docker engine. The image is Debian with Java 17 and nothing else.
set -eu
image=${1:-gridledger/java:17}
suite=${2:-bookworm}
mirror=${3:-http://deb.debian.org/debian}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
debootstrap --variant=minbase --include=openjdk-17-jre-headless,ca-certificates "$suite" "$folder" "$mirror" >&2
rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
tar -C "$folder" -c . | docker import --change 'ENV LANG=C.UTF-8' - "$image"
