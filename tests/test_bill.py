"""The bill of materials: valid, and true to what is installed and shipped."""

import json
import sys
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from tests.test_supply_chain import PROJECT, here
from tools import sbom
from tools.lock import IMAGE, ROOT


@cache
def bill() -> dict[str, Any]:
    """The bill of the environment that runs the tests."""
    return sbom.bill(Path(sys.executable))


def components() -> dict[str, dict[str, Any]]:
    """The bill's components by canonical name."""
    return {canonicalize_name(one["name"]): one for one in bill()["components"]}


@pytest.mark.slow
def test_the_bill_is_valid_cyclonedx():
    """Against the schema of CycloneDX 1.6, which finds an element that it does not know."""
    sbom.check(json.dumps(bill()))
    small = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1}
    sbom.check(json.dumps(small))
    with pytest.raises(sbom.BillError):
        sbom.check(json.dumps(small | {"unknown": 1}))


def test_the_bill_names_the_product_as_the_project_does():
    """Name, version and license of pyproject.toml; the version is the installed one."""
    product = bill()["metadata"]["component"]
    assert (PROJECT["name"], PROJECT["version"]) == (product["name"], product["version"])
    assert [PROJECT["license"]] == [one["license"]["id"] for one in product["licenses"]]
    assert version("endwatch") == product["version"]


def test_the_bill_names_every_package_of_the_image():
    """Each with its version and a package URL."""
    listed = components()
    for name in {*here(IMAGE), "torch"}:
        found = listed[name]["version"]
        assert version(name) == found
        assert f"pkg:pypi/{listed[name]['name'].lower().replace('_', '-')}@{found}" == listed[name]["purl"]


def test_the_bill_names_the_model_with_the_hashes_of_its_files():
    """Every file of the artifact but the seal itself, with the SHA-256 that it has; the product depends on it."""
    model = next(one for one in bill()["components"] if one["type"] == "machine-learning-model")
    told = {one["name"]: one["hashes"][0]["content"] for one in model["components"]}
    files = [path for path in sbom.ARTIFACTS.glob("*/*") if path.name != "SHA256SUMS"]
    assert told == {str(path.relative_to(ROOT)): sha256(path.read_bytes()).hexdigest() for path in files}
    root = bill()["metadata"]["component"]["bom-ref"]
    assert model["bom-ref"] in next(one["dependsOn"] for one in bill()["dependencies"] if one["ref"] == root)


def test_the_bill_names_the_interpreter():
    """With the name under which vulnerabilities of CPython are listed."""
    running = ".".join(map(str, sys.version_info[:3]))
    assert f"cpe:2.3:a:python:python:{running}:*:*:*:*:*:*:*" == components()["python"]["cpe"]


def test_the_bill_of_an_interpreter_that_is_not_there_is_refused(tmp_path: Path):
    """An error, not an empty bill."""
    with pytest.raises(sbom.BillError):
        sbom.packages(tmp_path / "python")


def test_debian_packages_are_listed_where_they_are_installed():
    """A removed package whose settings remain is no component; the version is encoded in the package URL."""
    status = (
        "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2.36-9+deb12u9\n"
        "Description: C library\n Shared libraries\n\n"
        "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n"
    )
    purl = "pkg:deb/debian/libc6@1%3A2.36-9%2Bdeb12u9?arch=amd64"
    assert [("libc6", purl)] == [(one["name"], one["purl"]) for one in sbom.debian(status)]
