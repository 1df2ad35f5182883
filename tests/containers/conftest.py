"""Docker for tests: the engine that answers, and our image."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.prerequisites import missing

from gridledger.host.docker import docker, find_compose
from gridledger.host.errors import ComponentStopped, PrerequisiteMissing
from gridledger.lake.hdfs import build_image

IMAGE = "gridledger/hdfs:test"
LOCAL_BASE = "gridledger/java:17"
"""What tests/containers/base_image.sh makes."""


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build our image, on GRIDLEDGER_BASE_IMAGE, else on the one of base_image.sh, else on Debian's."""
    folder: Path = tmp_path_factory.mktemp("image")
    try:
        find_compose()
        local = docker(["images", "-q", LOCAL_BASE], name="image", log=folder).strip()
        base = os.environ.get("GRIDLEDGER_BASE_IMAGE") or (LOCAL_BASE if local else None)
        return build_image(folder, base=base, image=IMAGE)
    except PrerequisiteMissing as error:
        missing("docker", str(error))
    except ComponentStopped as error:
        if "pull" in error.log_tail or "registry" in error.log_tail:
            missing(
                "docker",
                f"no registry gives the base image; tests/containers/base_image.sh makes one: {error}",
            )
        raise
