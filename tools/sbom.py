"""Write the bill of materials of an environment with endwatch in it: CycloneDX 1.6, as JSON.

``python tools/sbom.py [--dpkg STATUS] PYTHON OUT``: this interpreter, the Python packages that it sees (by
cyclonedx-bom), the shipped models with the SHA-256 of their files and, with ``--dpkg``, Debian's packages.
Nothing is written unless it is valid against the schema.
"""

import json
import re
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[1]
ARTIFACTS = ROOT / "models/artifacts"
VERSION = SchemaVersion.V1_6

Component = dict[str, Any]
Bill = dict[str, Any]


class BillError(ValueError):
    """There is no bill, or no valid one; the message is the tool's or the schema's."""


def bill(python: Path, dpkg: Path | None = None) -> Bill:
    """The whole bill. The application depends on its models as on the packages that it asks for."""
    told = packages(python)
    application = told["metadata"]["component"]
    shipped = list(models(ARTIFACTS, application["licenses"]))
    for dependency in told["dependencies"]:
        if dependency["ref"] == application["bom-ref"]:
            dependency["dependsOn"] += [one["bom-ref"] for one in shipped]
    below = debian(dpkg.read_text("utf-8")) if dpkg else ()
    return told | {"components": [*told["components"], *shipped, interpreter(python), *below]}


def packages(python: Path) -> Bill:
    """The bill of the Python packages, not validated yet; the application itself is told by pyproject.toml."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--pyproject", str(ROOT / "pyproject.toml")]
    command += ["--spec-version", VERSION.to_version(), "--no-validate", str(python)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 (our own words and the given path)
    if done.returncode:
        raise BillError(done.stderr)
    told: Bill = json.loads(done.stdout)
    return told


def interpreter(python: Path) -> Component:
    """Python itself, under the name that lists of vulnerabilities give it."""
    command = [str(python), "-c", "import platform; print(platform.python_version())"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 (the given path)
    version = done.stdout.strip()
    cpe = f"cpe:2.3:a:python:python:{version}:*:*:*:*:*:*:*"
    return {"type": "platform", "bom-ref": cpe, "name": "python", "version": version, "cpe": cpe}


def models(folder: Path, licenses: Sequence[Component]) -> Iterator[Component]:
    """Each shipped model, licensed as the application, with its files and their SHA-256 as they are sealed in ``SHA256SUMS``."""
    for seal in sorted(folder.glob("*/SHA256SUMS")):
        net = json.loads((seal.parent / "net.json").read_text("utf-8"))
        sums = [line.split(maxsplit=1) for line in seal.read_text("utf-8").splitlines()]
        yield {
            "type": "machine-learning-model",
            "bom-ref": f"model:{net['name']}=={net['version']}",
            "name": net["name"],
            "version": net["version"],
            "description": f"Trained on a {net['training_population']} population.",
            "licenses": licenses,
            "components": [_file(seal.parent.name, name, sum_) for sum_, name in sums],
        }


def _file(folder: str, name: str, sha256: str) -> Component:
    path = f"models/artifacts/{folder}/{name}"
    hashes = [{"alg": "SHA-256", "content": sha256}]
    return {"type": "file", "bom-ref": f"file:{path}", "name": path, "hashes": hashes}


def debian(status: str) -> Iterator[Component]:
    """Debian's installed packages, from the text of dpkg's status file."""
    for paragraph in status.split("\n\n"):
        said = dict(re.findall(r"^(\w+): (.*)$", paragraph, re.MULTILINE))
        if said.get("Status", "").endswith(" installed"):
            name, version, machine = said["Package"], said["Version"], said["Architecture"]
            purl = f"pkg:deb/debian/{quote(name)}@{quote(version)}?arch={machine}"
            yield {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def check(text: str) -> None:
    """Raises BillError where the schema is not met; unknown elements and missing references count."""
    if error := JsonStrictValidator(VERSION).validate_str(text):
        raise BillError(str(error))


def main(words: Sequence[str] | None = None) -> None:
    """Write what the command line asks for."""
    parser = ArgumentParser(description="Write a CycloneDX bill of materials.")
    parser.add_argument("--dpkg", type=Path, help="dpkg's status file")
    parser.add_argument("python", type=Path, help="the environment's interpreter")
    parser.add_argument("out", type=Path, help="the file to write")
    given = parser.parse_args(words)
    text = json.dumps(bill(given.python, given.dpkg), indent=1, ensure_ascii=False) + "\n"
    check(text)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
