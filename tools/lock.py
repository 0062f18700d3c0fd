"""Write the locks: versions and hashes without any address. ``python tools/lock.py [LOCK ...]``, all by default.

====================  ==========================================================================
requirements.lock       everything but torch, all extras: what `make install` sets up
requirements-image.lock the run-time part of it, less requirements-unused.txt: what the image holds
requirements-torch.lock torch and what only its CUDA build needs: the image's second lock
requirements-build.lock what builds the image and stays out of it
====================  ==========================================================================

The wheels of torch differ between the CUDA and the CPU index, so that one lock serves both builds only
without them. Versions that are pinned already are kept where they still fit; no package has two versions.
Needs `uv` on the path. uv's own settings hold: with ``UV_TORCH_BACKEND=cpu`` the lock of torch is of CPU wheels.
"""

import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
MAIN, IMAGE, TORCH, BUILD = (f"requirements{part}.lock" for part in ("", "-image", "-torch", "-build"))
UNUSED = "requirements-unused.txt"
CUDA_ONLY = (
    "cuda-bindings", "cuda-pathfinder", "cuda-toolkit", "nvidia-cublas", "nvidia-cuda-cupti", "nvidia-cuda-nvrtc",
    "nvidia-cuda-runtime", "nvidia-cudnn-cu13", "nvidia-cufft", "nvidia-cufile", "nvidia-curand", "nvidia-cusolver",
    "nvidia-cusparse", "nvidia-cusparselt-cu13", "nvidia-nccl-cu13", "nvidia-nvjitlink", "nvidia-nvshmem-cu13",
    "nvidia-nvtx", "triton",
)  # fmt: skip
SBOM_TOOL = "cyclonedx-bom"


def without(names: Sequence[str]) -> list[str]:
    """The flags that leave these packages out of a lock."""
    return [word for name in names for word in ("--no-emit-package", name)]


def pinned(lock: str) -> list[str]:
    """The names of the packages in a lock."""
    lines = (ROOT / lock).read_text("utf-8").splitlines()
    return [line.split("==")[0] for line in lines if line[:1].isalnum()]


def building() -> str:
    """What the image is built with, one requirement a line: the build backend, and the tool that writes the SBOM."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    tools = [one for one in project["project"]["optional-dependencies"]["dev"] if one.startswith(SBOM_TOOL)]
    return "\n".join([*project["build-system"]["requires"], *tools])


def asked(lock: str) -> list[str]:
    """What a lock resolves, and what it leaves out, in words of the resolver."""
    same = ("--constraints", MAIN)
    return {
        MAIN: ["pyproject.toml", "--all-extras", *without(("torch", *CUDA_ONLY))],
        IMAGE: ["pyproject.toml", "--extra", "postgres", *same, "--excludes", UNUSED, *without(("torch", *CUDA_ONLY))],
        TORCH: ["requirements-torch.txt", *same, *without(pinned(MAIN))],
        BUILD: ["-", *same],
    }[lock]


def write(lock: str) -> int:
    """The lock, resolved anew for every platform; the resolver's exit status."""
    command = [
        "uv", "pip", "compile", *asked(lock), "--universal", "--python-version", "3.11", "--generate-hashes",
        "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate", "--quiet", "--output-file", lock,
    ]  # fmt: skip
    given = building() if lock == BUILD else ""
    return subprocess.run(command, cwd=ROOT, check=False, input=given, text=True).returncode  # noqa: S603 (our own fixed words)


if __name__ == "__main__":
    sys.exit(max(write(lock) for lock in sys.argv[1:] or (MAIN, IMAGE, TORCH, BUILD)))
