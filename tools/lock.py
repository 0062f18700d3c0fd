"""Write requirements.lock: versions and hashes of everything but torch, without any address.

torch and what only its CUDA build needs stay out, so that one lock serves both builds; see
requirements-torch.txt. Needs `uv` on the path or in the environment.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CUDA_ONLY = (
    "cuda-bindings", "cuda-pathfinder", "cuda-toolkit", "nvidia-cublas", "nvidia-cuda-cupti", "nvidia-cuda-nvrtc",
    "nvidia-cuda-runtime", "nvidia-cudnn-cu13", "nvidia-cufft", "nvidia-cufile", "nvidia-curand", "nvidia-cusolver",
    "nvidia-cusparse", "nvidia-cusparselt-cu13", "nvidia-nccl-cu13", "nvidia-nvjitlink", "nvidia-nvshmem-cu13",
    "nvidia-nvtx", "triton",
)  # fmt: skip


def command() -> list[str]:
    """The resolver's command line."""
    left_out = [flag for name in ("torch", *CUDA_ONLY) for flag in ("--no-emit-package", name)]
    return [
        "uv", "pip", "compile", "pyproject.toml", "--all-extras", "--universal", "--python-version", "3.11",
        "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate",
        "--output-file", "requirements.lock", *left_out,
    ]  # fmt: skip


if __name__ == "__main__":
    sys.exit(subprocess.run(command(), cwd=ROOT, check=False).returncode)  # noqa: S603 (our own fixed words)
