"""Arrays as a file: an uncompressed .npz archive of fixed layout, and its safe way to the disk."""

import contextlib
import io
import os
import secrets
import stat
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

NPY_HEADER_BYTES = 128


def pack(members: Mapping[str, NDArray[Any]]) -> bytes:
    """Return the bytes of the archive; the same arrays give the same bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in members.items():
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3  # else the bytes would tell Windows from the rest
            head = npy_header(array.dtype.str, array.shape)
            archive.writestr(info, head + array.tobytes())
    return file.getvalue()


def npy_header(dtype: str, shape: tuple[int, ...]) -> bytes:
    """Return the header of a C-ordered array in .npy format 1.0, with one length for all."""
    text = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape!r}, }}"
    length = NPY_HEADER_BYTES - 10
    return (
        b"\x93NUMPY\x01\x00" + struct.pack("<H", length) + text.ljust(length - 1).encode() + b"\n"
    )


class Members:
    """The members of an archive, each known to be stored as it is and to lie within the file."""

    def __init__(self, file: BinaryIO) -> None:
        self._archive = zipfile.ZipFile(file)
        file_size = os.fstat(file.fileno()).st_size
        infos = self._archive.infolist()
        self._infos = {info.filename: info for info in infos}
        stored = all(
            info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size
            for info in infos
        )
        total = sum(info.file_size for info in infos)
        if len(self._infos) < len(infos) or not stored or total > file_size:
            message = "members are repeated, compressed or larger than the file"
            raise ValueError(message)

    def names(self) -> set[str]:
        """Return the names of the members' files."""
        return set(self._infos)

    def data_bytes(self, name: str) -> int:
        """Return how many bytes the array's values take."""
        return self._infos[f"{name}.npy"].file_size - NPY_HEADER_BYTES

    def read(self, name: str, dtype: str, shape: tuple[int, ...]) -> NDArray[Any]:
        """Return a read-only array, known to have the stated dtype and shape."""
        content = self._archive.read(self._infos[f"{name}.npy"])
        if not content.startswith(npy_header(dtype, shape)):
            message = f"{name} has another dtype or shape than the header says"
            raise ValueError(message)
        return np.frombuffer(content, dtype, offset=NPY_HEADER_BYTES).reshape(shape)


def replace(path: Path, content: bytes) -> None:
    """Make `path` hold `content`; whatever fails on the way, an older file there stays as it was."""
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else None
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")

    def private(name: str, flags: int) -> int:
        # Nobody may read between creation and chmod what the older file kept from them.
        return os.open(name, flags, 0o666 if mode is None else 0o600)

    try:
        with open(temporary, "xb", opener=private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(path)
    except OSError as error:
        raise _named(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    _sync_folder(path.parent)


def _named(error: OSError, path: Path) -> OSError:
    """Return the error with the file's or its folder's name; the temporary one says nothing."""
    if error.errno is None:
        return error
    if isinstance(error, FileNotFoundError):
        remedy = "make it first, with Path.mkdir(parents=True)"
        return FileNotFoundError(error.errno, f"No such folder; {remedy}", str(path.parent))
    return OSError(error.errno, error.strerror, str(path))


def _sync_folder(folder: Path) -> None:
    """Ask the disk to remember the new name too; where it cannot, one of both files is there."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
