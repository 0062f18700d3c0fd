"""SHA256SUMS: which files an artifact is made of, so that a damaged, mixed or exchanged one is found and named.

The format is that of ``sha256sum``; it is written last, so that a folder whose writing broke off has none.
"""

from collections.abc import Sequence
from pathlib import Path

from models.encode import sha256_of
from models.errors import ArtifactError

SUMS = "SHA256SUMS"


def seal(folder: Path, names: Sequence[str]) -> None:
    """Write the sums of the files as they are now."""
    (folder / SUMS).write_text("".join(f"{sha256_of(folder / name)}  {name}\n" for name in names), "utf-8")


def check_seal(folder: Path, names: Sequence[str]) -> None:
    """Nothing, where each file lies in the folder and is the one that was sealed; else `ArtifactError` naming it."""
    if not folder.is_dir():
        raise ArtifactError(f"there is no folder {folder} of an artifact")
    for name in (*names, SUMS):
        _check_place(folder, name)
    held = _sums(folder / SUMS)
    if set(held) != set(names):
        raise ArtifactError(f"{SUMS} of {folder} does not name exactly the files of an artifact")
    for name in names:
        if sha256_of(folder / name) != held[name]:
            raise ArtifactError(f"{name} of {folder} is not the file that {SUMS} names")


def _check_place(folder: Path, name: str) -> None:
    path = folder / name
    if not path.is_file():
        raise ArtifactError(f"the artifact {folder} holds no {name}")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise ArtifactError(f"{name} of {folder} is a link out of the folder")


def _sums(path: Path) -> dict[str, str]:
    """The sum of each file; a line that is none raises `ArtifactError`."""
    try:
        lines = path.read_text("utf-8").split("\n")
        pairs = [line.split("  ") for line in lines[:-1]]
        found = {name: digest for digest, name in pairs}
    except ValueError as error:
        raise ArtifactError(f"{path.name} of {path.parent} cannot be read") from error
    if lines[-1] or len(found) != len(pairs):
        raise ArtifactError(f"{path.name} of {path.parent} is cut off, or names a file twice")
    return found
