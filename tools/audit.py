"""Look up known vulnerabilities of every pinned package: ``python -m tools.audit [options of pip-audit]``.

Asks the package index, or what the options name (``--vulnerability-service osv``, ``--osv-url URL``). The exit
status is 0 only where every package was looked up and none is known to be vulnerable, 1 where one is, and 2
where any could not be looked up: pip-audit itself ends with 0 then. Packages pinned for other platforms than
this one, the base image and Debian's packages are not looked up.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name

from tools.lock import BUILD, IMAGE, MAIN, ROOT, TORCH, pinned

CLEAN, FOUND, UNKNOWN = 0, 1, 2


@dataclass(frozen=True)
class Verdict:
    """What a look-up came to: an exit status, and the lines to say."""

    status: int
    lines: tuple[str, ...]


def verdict(report: str, shipped: frozenset[str]) -> Verdict:
    """The verdict on pip-audit's JSON report; ``shipped``: names of the packages in the image."""
    try:
        packages = json.loads(report)["dependencies"]
    except ValueError:
        return Verdict(UNKNOWN, ("Nothing was looked up: the service gave no answer. This is no clean bill.",))
    skipped = [one for one in packages if "skip_reason" in one]
    found = [line for one in packages for line in _faults(one, shipped)]
    looked_up = f"{len(packages) - len(skipped)} of {len(packages)} packages looked up, {len(found)} vulnerabilities."
    if not packages or skipped:
        reasons = sorted({f"{one['name']}: {one['skip_reason']}" for one in skipped})[:3]
        return Verdict(FOUND if found else UNKNOWN, (*found, *reasons, f"{looked_up} This is no clean bill."))
    return Verdict(FOUND if found else CLEAN, (*found, looked_up))


def _faults(package: Mapping[str, Any], shipped: frozenset[str]) -> Iterator[str]:
    where = "in the image" if canonicalize_name(package["name"]) in shipped else "not in the image"
    for fault in package.get("vulns", ()):
        names = ", ".join(dict.fromkeys((fault["id"], *fault.get("aliases", ()))))
        fixed = f"mended in {', '.join(fault['fix_versions'])}" if fault["fix_versions"] else "not mended yet"
        yield f"{package['name']} {package['version']} ({where}): {names}, {fixed}"


def asked(options: Sequence[str]) -> tuple[str, str]:
    """pip-audit's JSON report on all locks, empty where it broke off, and the last line that it logged."""
    locks = [word for lock in (MAIN, TORCH, BUILD) for word in ("--requirement", str(ROOT / lock))]
    command = [
        sys.executable, "-m", "pip_audit", "--format", "json", "--desc", "off", "--progress-spinner", "off",
        "--disable-pip", "--require-hashes", *locks, *options,
    ]  # fmt: skip
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 (the caller's own options)
    return done.stdout, done.stderr.strip().rpartition("\n")[2]


def main(options: Sequence[str]) -> int:
    """Says what was found; the exit status."""
    report, logged = asked(options)
    found = verdict(report, frozenset((*pinned(IMAGE), *pinned(TORCH))))
    sys.stdout.write("\n".join((*found.lines, *(() if report else (logged,)), "")))
    return found.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
