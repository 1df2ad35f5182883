"""A store on HDFS, spoken to by its own RPC (`hdfs-native`)."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from concurrent.futures import wait
from contextlib import contextmanager
from io import RawIOBase

from hdfs_native import Client, FileReader, FileWriter, WriteOptions

from gridledger.lake.errors import LakeError, LakeUnavailable, NameTaken, PayloadNotFound
from gridledger.lake.hadoop_exception import translated
from gridledger.lake.patience import Patience
from gridledger.lake.remote_store import DEADLINE_S, Listed, RemoteStore

__all__ = ["HdfsStore"]

_OPEN_FILES = 64
_CLASS = re.compile(r'^RPCError\("([\w.$]+)"')
_LOOK_S = 0.01
"""How often the NameNode is asked of a file that is being closed."""


class HdfsStore(RemoteStore):
    """Files below a folder of an HDFS, by the NameNode's and the DataNodes' own protocols.

    Parameters
    ----------
    url : str
        Of the NameNode, `hdfs://host:port`, or of a name service that `settings` or Hadoop's configuration
        (HADOOP_CONF_DIR) tells of.
    root : str
        The folder, absolute; made with the first file.
    settings : mapping, optional
        Hadoop client settings.
    deadline_s : float, default 60
        How long a call waits, trying again included.
    """

    def __init__(
        self,
        url: str,
        root: str,
        *,
        settings: Mapping[str, str] | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        super().__init__(root, deadline_s=deadline_s)
        self._url = url
        with _lake_errors(root):
            self._client = Client(url, dict(settings or {}))
        self._files: OrderedDict[str, FileReader] = OrderedDict()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"HdfsStore({self._url!r}, {self._root!r})"

    def _read(self, place: str, offset: int, length: int | None) -> bytes:
        with self._opened(place) as file:
            left = max(0, len(file) - offset)
            wanted = left if length is None else min(left, length)
            # The library panics on a range that the file does not have.
            return file.read_range(offset, wanted) if wanted else b""

    @contextmanager
    def _opened(self, place: str) -> Iterator[FileReader]:
        with self._lock:
            file = self._files.get(place)
        try:
            with _lake_errors(place):
                if file is None:
                    file = self._client.read(place)
                    self._keep(place, file)
                yield file
        except LakeError:
            # Places of its blocks may have changed: the next attempt asks the NameNode again.
            self._forget(place)
            raise

    def _read_into(self, place: str, offset: int, buffer: memoryview) -> int:
        with self._opened(place) as file:
            filled = 0
            wanted = min(max(0, len(file) - offset), len(buffer))
            # In pieces as they come: a third of the work of the library's own putting together.
            for piece in file.read_range_stream(offset, wanted) if wanted else ():
                buffer[filled : filled + len(piece)] = piece
                filled += len(piece)
            return filled

    def _keep(self, place: str, file: FileReader) -> None:
        """Keep where a file's blocks are: files never change."""
        with self._lock:
            self._files[place] = file
            if len(self._files) > _OPEN_FILES:
                self._files.popitem(last=False)

    def _forget(self, place: str) -> None:
        with self._lock:
            self._files.pop(place, None)

    def _size(self, place: str) -> int:
        with _lake_errors(place):
            return self._client.get_file_info(place).length

    def _list(self, place: str) -> list[Listed]:
        with _lake_errors(place):
            return [
                Listed(found.path.rpartition("/")[2], found.length, found.modification_time, found.isdir)
                for found in self._client.list_status(place)
            ]

    def _send(self, place: str, pieces: Iterator[bytes]) -> None:
        with _lake_errors(place):
            file = self._client.create(place, WriteOptions(create_parent=True, overwrite=False))
            # The library's class never says that it is closed: freed, it would close once more, and wait for
            # a NameNode that may be gone, even when the interpreter ends. Writing and closing do not look.
            RawIOBase.close(file)
            size = sum(file.write(piece) for piece in pieces)
            self._close(file, place, size)

    def _close(self, file: FileWriter, place: str, size: int) -> None:
        """Close a file as soon as the NameNode can.

        The NameNode refuses to close one before it has heard from a DataNode of its last block, unless
        several hold it; hdfs-native asks it again after half a second. By then it mostly has heard, and all
        blocks are complete: then recovering the lease closes the file and does nothing else.
        """
        closing = self._threads.submit(file.close)
        patience = Patience(self._deadline_s)
        while not wait((closing,), _LOOK_S).done and patience.left_s:
            try:
                # Readers are told of complete blocks only. To recover one that is not complete would take it
                # out of the writer's hands.
                if len(self._client.read(place)) != size:
                    continue
                if self._client.recover_lease(place):
                    return  # The thread that waits in the library learns of it later.
            except (OSError, RuntimeError):
                pass  # The writer's own closing says how it ended.
            break
        closing.result()

    def _rename(self, source: str, target: str) -> None:
        with _lake_errors(target):
            self._client.rename(source, target, overwrite=False)

    def _make_folder(self, place: str) -> None:
        with _lake_errors(place):
            self._client.mkdirs(place, 0o755, create_parent=True)

    def _delete(self, place: str) -> None:
        self._forget(place)
        with _lake_errors(place):
            self._client.delete(place)


@contextmanager
def _lake_errors(path: str) -> Iterator[None]:
    """Raise the library's errors as the lake's."""
    try:
        yield
    except FileNotFoundError as error:
        raise PayloadNotFound(path) from error
    except FileExistsError as error:
        raise NameTaken(f"{path} stands there", path=path) from error
    except OSError as error:
        raise LakeUnavailable(f"{path}: HDFS cannot be reached: {error}", path=path) from error
    except RuntimeError as error:
        # The Java class is what HDFS answers as a code; the library hands it on in this form only.
        found = _CLASS.match(str(error))
        raise translated(found[1] if found else "", path) from error
