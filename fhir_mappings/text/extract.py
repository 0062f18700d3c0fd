"""PDF and RTF documents read in a process of their own, which is killed when it takes too long."""

import os
import signal
import subprocess
import sys

from fhir_mappings.text.unreadable import Failure, UnreadableText
from fhir_mappings.text.worker import Limits

LIMITS = Limits()


def extracted(kind: str, data: bytes, limits: Limits = LIMITS) -> str:
    """The text of a document of the content type `PDF` or `RTF`. Raises `UnreadableText`, and nothing else."""
    if len(data) > limits.bytes_in:
        raise UnreadableText("it is too large")
    if limits.wall_s <= 0:
        raise UnreadableText("no time was left for it")
    try:
        worker = _worker(limits)
    except OSError as error:  # no process or no memory is to be had
        raise UnreadableText("reading it failed") from error
    text, status = _ended(worker, f"{kind}\n".encode() + data, limits.wall_s)
    if status:
        raise UnreadableText(_why(status))
    return text.decode("utf-8", "replace")


def _worker(limits: Limits) -> subprocess.Popen[bytes]:
    arguments = map(str, (limits.pages, limits.characters, limits.memory_mib, limits.cpu_s))
    return subprocess.Popen(  # noqa: S603 - our own module, with numbers for arguments
        [sys.executable, "-P", "-m", "fhir_mappings.text.worker", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a parser's complaints may quote the text
        start_new_session=True,
        cwd="/",
        env={"PYTHONPATH": os.pathsep.join(map(os.path.abspath, filter(None, sys.path)))},  # no tokens of the service
    )


def _ended(worker: subprocess.Popen[bytes], data: bytes, wall_s: float) -> tuple[bytes, int]:
    """What the worker wrote and its exit status, which is that of a killed process where its time ran out."""
    try:
        return worker.communicate(data, timeout=wall_s)[0], worker.returncode
    except subprocess.TimeoutExpired:
        return b"", -signal.SIGKILL
    finally:
        _end(worker)


def _end(worker: subprocess.Popen[bytes]) -> None:
    """No process and no open pipe is left, whatever happened."""
    with worker:
        if worker.poll() is None:
            os.killpg(worker.pid, signal.SIGKILL)


def _why(status: int) -> str:
    if status in (-signal.SIGXCPU, -signal.SIGKILL):
        return "reading it took too long"
    return Failure(status).words if status in set(Failure) else "reading it failed"
