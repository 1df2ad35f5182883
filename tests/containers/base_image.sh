#!/bin/sh
# Makes a base image for containers of ours from Debian packages, where no image registry answers.
#   sh tests/containers/base_image.sh [IMAGE] [SUITE] [MIRROR] [PACKAGES]
#   sh tests/containers/base_image.sh gridledger/python:3.11 bookworm http://deb.debian.org/debian python3-venv
# Wants root, debootstrap and a Docker engine. The image is Debian with PACKAGES, Java 17 by default, and nothing else.
set -eu
image=${1:-gridledger/java:17}
suite=${2:-bookworm}
mirror=${3:-http://deb.debian.org/debian}
packages=${4:-openjdk-17-jre-headless}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
debootstrap --variant=minbase --include="$packages",ca-certificates "$suite" "$folder" "$mirror" >&2
rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
tar -C "$folder" -c . | docker import --change 'ENV LANG=C.UTF-8' - "$image"
