"""A HAPI FHIR server of our own: built once from tests/integration/hapi, started, and ended with us.

Needs Java 17 and Maven. The build's jars stay in Maven's own repository; what is built lies in the
user's cache, in a folder named after its sources.
"""

import hashlib
import os
import select
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

SOURCES = Path(__file__).parents[1] / "tests/integration/hapi"
BUILD_S, START_S, STOP_S = 900.0, 420.0, 10.0
JAR = "target/hapi-server-1.jar"
_JVM = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx700m")
"""Starts in about half the time of a JVM as it is, in 600 MB (measured)."""


class NoHapi(Exception):
    """The server cannot be built or started here; says why."""


def cache(name: str) -> Path:
    """A folder of the user's cache for what is built or installed once; it need not be there yet."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "endwatch" / name


def built() -> Path:
    """The server's jar, built where it is not there, or not whole any more. Raises `NoHapi`."""
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise NoHapi(f"HAPI FHIR needs Java 17 and Maven: {program} is not installed")
    folder = cache(f"hapi-{_digest()}")
    if not _is_whole(folder / JAR):
        _build(folder)
    return folder / JAR


def _digest() -> str:
    """What the sources are, in a few letters."""
    found = hashlib.sha256()
    for path in sorted(path for path in SOURCES.rglob("*") if path.is_file()):
        found.update(path.relative_to(SOURCES).as_posix().encode() + path.read_bytes())
    return found.hexdigest()[:16]


def _is_whole(jar: Path) -> bool:
    """True where the jar and all that its manifest points to are there: Maven's repository may have been emptied."""
    if not jar.exists():
        return False
    with zipfile.ZipFile(jar) as held:
        manifest = held.read("META-INF/MANIFEST.MF").decode().replace("\r\n ", "")
    line = next(line for line in manifest.splitlines() if line.startswith("Class-Path: "))
    return all(Path(one).exists() for one in line.removeprefix("Class-Path: ").split())


def _build(folder: Path) -> None:
    """Build beside the folder and put it in place, whole: several may build at once."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hapi-", dir=folder.parent, ignore_cleanup_errors=True) as beside:
        work = shutil.copytree(SOURCES, Path(beside) / "hapi")
        command = ["mvn", "--quiet", "--batch-mode", "package"]
        try:
            run = subprocess.run(  # noqa: S603 (our own fixed words)
                command,
                cwd=work,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=BUILD_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise NoHapi(f"Maven did not build HAPI FHIR within {BUILD_S:.0f} s") from None
        if run.returncode:
            raise NoHapi(f"Maven did not build HAPI FHIR: {_first_error(run.stdout)}")
        shutil.rmtree(folder, ignore_errors=True)
        work.rename(folder)


def _first_error(output: str) -> str:
    return next((line for line in output.splitlines() if line.startswith("[ERROR]")), "no error was told")[:300]


@contextmanager
def hapi(*words: str) -> Iterator[str]:
    """The base URL of a running, empty server; ``words`` as `HapiServer` takes them. Raises `NoHapi`.

    It ends when the block does, or when we are killed: its standard input is a pipe of ours.
    """
    jar = built()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(  # noqa: S603 (our own fixed words)
            ["java", *_JVM, "-jar", str(jar), *words],  # noqa: S607 (whichever Java the user has)
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # Ctrl-C is for us; it ends after us
        )
        try:
            yield _base(cast(IO[str], process.stdout), log)
        finally:
            _stop(process)


def _base(told: IO[str], log: IO[str]) -> str:
    """The base that the server tells once it answers."""
    ready, _, _ = select.select([told], [], [], START_S)
    line = told.readline() if ready else ""
    if not line.startswith("READY "):
        log.seek(0)
        said = [one.strip() for one in log if "Exception" in one] if line or ready else []
        raise NoHapi(f"HAPI FHIR did not start: {said[-1] if said else f'no answer within {START_S:.0f} s'}")
    return line.split()[1]


def _stop(process: subprocess.Popen[str]) -> None:
    """Close its input, which ends it; wait for it."""
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
