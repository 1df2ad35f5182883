"""Where a lake lies, as one line of text.

hdfs://host:8020/folder           HDFS by its own protocols; host may be a name service of HADOOP_CONF_DIR
webhdfs://user@host:9870/folder   HDFS by WebHDFS or HttpFS; swebhdfs with TLS; hosts joined by commas
file:///srv/lake                  a folder of this machine: for trying out; one disk keeps nothing safe
/srv/lake                         the same
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gridledger.lake.local_store import LocalStore
from gridledger.lake.remote_store import DEADLINE_S
from gridledger.lake.store import Store
from gridledger.model.errors import ConfigError

__all__ = ["StoreKind", "open_store"]


class StoreKind(StrEnum):
    """Schemes of addresses."""

    HDFS = "hdfs"
    WEB_HDFS = "webhdfs"
    WEB_HDFS_TLS = "swebhdfs"
    FOLDER = "file"


def open_store(
    address: str,
    *,
    base: Path | None = None,
    source: str = "argument",
    settings: Mapping[str, str] | None = None,
    deadline_s: float = DEADLINE_S,
) -> Store:
    """Open the store of an address.

    Parameters
    ----------
    address : str
        As above.
    base : Path, optional
        Where a folder's relative path starts; the working directory by default.
    source : str, default "argument"
        Where the address came from, for the error.
    settings : mapping, optional
        Hadoop client settings, for `hdfs://`.
    deadline_s : float, default 60
        How long a call to HDFS waits, trying again included.

    Raises
    ------
    ConfigError
        It is no address, or names no kind of store that there is.
    """

    def refused(problem: str) -> ConfigError:
        return ConfigError(problem, key="store", source=source, value=address)

    parts = urlsplit(address)
    path = unquote(parts.path)
    if not parts.scheme or parts.scheme == StoreKind.FOLDER:
        folder = path if parts.scheme else address
        if not folder or parts.netloc:
            raise refused("want file:///folder")
        return LocalStore((base or Path()) / folder)
    try:
        kind = StoreKind(parts.scheme)
    except ValueError as error:
        known = ", ".join(kind.value for kind in StoreKind)
        raise refused(f"the scheme is none of {known}") from error
    if not parts.netloc or not path.rstrip("/") or parts.query or parts.fragment:
        raise refused(f"want {kind}://host:port/folder")
    if kind is StoreKind.HDFS:
        from gridledger.lake.hdfs_store import HdfsStore

        return HdfsStore(f"hdfs://{parts.netloc}", path, settings=settings, deadline_s=deadline_s)
    from gridledger.lake.web_hdfs_store import WebHdfsStore

    user, _, hosts = parts.netloc.rpartition("@")
    scheme = "https" if kind is StoreKind.WEB_HDFS_TLS else "http"
    url = ";".join(f"{scheme}://{host}" for host in hosts.split(","))
    return WebHdfsStore(url, path, user=unquote(user) or None, deadline_s=deadline_s)
