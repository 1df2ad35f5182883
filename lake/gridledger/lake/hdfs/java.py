"""The Java runtime and the jars that HDFS runs on.

Hadoop's minicluster jar beside the two client jars that PySpark ships is a complete HDFS. PySpark's own
resolver (Ivy) brings that jar from the public repository that it is configured for, once.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from gridledger.host.errors import PrerequisiteMissing
from gridledger.host.lock import folder_lock

__all__ = ["CACHE_VARIABLE", "find_java", "hadoop_jars"]

CACHE_VARIABLE = "GRIDLEDGER_CACHE"
_DEFAULT_CACHE = Path("~/.cache/gridledger")

_LEAST_JAVA = 17
_ORGANISATION = "org.apache.hadoop"
_MODULE = "hadoop-client-minicluster"
_REVISION = "3.5.0"
_SHA256 = "06772d24529e59939915979b3edba204d367750ef7dc5120411f35221dd4818c"
_CLIENT_JARS = (f"hadoop-client-api-{_REVISION}.jar", f"hadoop-client-runtime-{_REVISION}.jar")
_LOG_JARS = (
    "slf4j-api-*.jar",
    "jcl-over-slf4j-*.jar",
    "log4j-api-*.jar",
    "log4j-core-*.jar",
    "log4j-slf4j2-impl-*.jar",
)

_VERSION_SECONDS = 30.0
_RESOLVE_SECONDS = 300.0
_REMEDY_PYSPARK = "install gridledger[spark], whose PySpark 4.3 brings Hadoop 3.5.0"


def find_java() -> Path:
    """Return the Java program: of JAVA_HOME, else the one on PATH.

    Raises
    ------
    PrerequisiteMissing
        If there is none, or it is older than 17.
    """
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home) / "bin") if home else None)
    remedy = (
        f"install a Java runtime {_LEAST_JAVA} or later (Debian: openjdk-17-jre-headless) or set JAVA_HOME"
    )
    if found is None:
        raise PrerequisiteMissing("java", remedy=remedy)
    said = subprocess.run(
        [found, "-version"], capture_output=True, text=True, check=False, timeout=_VERSION_SECONDS
    )
    version = re.search(r'version "(\d+)', said.stderr)
    if version is None or int(version[1]) < _LEAST_JAVA:
        raise PrerequisiteMissing(f"java {_LEAST_JAVA} ({found} is older)", remedy=remedy)
    return Path(found)


def hadoop_jars(java: Path) -> list[Path]:
    """Return the jars of a class path for NameNode and DataNode; the missing one is fetched once.

    Parameters
    ----------
    java : Path
        The Java program.

    Raises
    ------
    PrerequisiteMissing
        If PySpark is not installed or of another version, or the repository cannot be reached.
    """
    spark = _spark_jars()
    jars = [spark / name for name in _CLIENT_JARS]
    missing = [jar.name for jar in jars if not jar.is_file()]
    if missing:
        raise PrerequisiteMissing(missing[0], remedy=_REMEDY_PYSPARK)
    jars += [found for pattern in _LOG_JARS for found in sorted(spark.glob(pattern))]
    return [_minicluster(java, spark), *jars]


def _spark_jars() -> Path:
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise PrerequisiteMissing("pyspark", remedy=_REMEDY_PYSPARK)
    return Path(spec.origin).parent / "jars"


def _minicluster(java: Path, spark: Path) -> Path:
    folder = Path(os.environ.get(CACHE_VARIABLE) or _DEFAULT_CACHE).expanduser() / "hadoop"
    jar = folder / f"{_MODULE}-{_REVISION}.jar"
    if jar.is_file() and _digest(jar) == _SHA256:
        return jar
    with folder_lock(folder, seconds=_RESOLVE_SECONDS):
        if not jar.is_file() or _digest(jar) != _SHA256:
            _resolve(java, spark, jar)
    return jar


def _resolve(java: Path, spark: Path, jar: Path) -> None:
    remedy = f"connect this machine to a Maven repository once, or put {jar.name} into {jar.parent}"
    resolvers = sorted(spark.glob("ivy-*.jar"))
    if not resolvers:
        raise PrerequisiteMissing("Ivy", remedy=_REMEDY_PYSPARK)
    with tempfile.TemporaryDirectory(prefix="ivy-", dir=jar.parent) as name:
        place = Path(name)
        command = [str(java), "-jar", str(resolvers[-1]), "-dependency", _ORGANISATION, _MODULE, _REVISION]
        command += ["-notransitive", "-confs", "master", "-types", "jar", "-cache", str(place / "cache")]
        command += ["-retrieve", str(place / "[artifact]-[revision].[ext]")]
        try:
            ended = subprocess.run(
                command, cwd=place, capture_output=True, text=True, check=False, timeout=_RESOLVE_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise PrerequisiteMissing(jar.name, remedy=remedy) from error
        found = place / jar.name
        if ended.returncode != 0 or not found.is_file():
            last = (ended.stdout + ended.stderr).strip().splitlines()[-1:]
            raise PrerequisiteMissing(jar.name, remedy=f"{remedy} ({' '.join(last)})")
        if _digest(found) != _SHA256:
            raise PrerequisiteMissing(
                jar.name, remedy=f"{remedy}; what the repository gave has another SHA-256"
            )
        found.replace(jar)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
