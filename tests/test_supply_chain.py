"""What the image is made of is pinned by hash, and nothing else gets in."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.lock import BUILD, CUDA_ONLY, IMAGE, MAIN, ROOT, TORCH, UNUSED, building

LOCKS = (MAIN, IMAGE, TORCH, BUILD)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = [text for extra in PROJECT["optional-dependencies"].values() for text in extra]
PACKAGES = ("cds_service", "fhir_mappings", "models")
PIN = re.compile(r"^(\S+==\S+(?: ; [^\\\n]+)?)((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    """Each requirement of a lock with its marker, and its hashes."""
    return dict(PIN.findall((ROOT / lock).read_text("utf-8")))


def here(lock: str) -> dict[str, Requirement]:
    """The pins of a lock that hold on this machine, by name."""
    asked = [Requirement(text) for text in pins(lock)]
    return {canonicalize_name(one.name): one for one in asked if one.marker is None or one.marker.evaluate()}


def unused() -> set[str]:
    """What the image leaves out although it is asked for."""
    lines = (ROOT / UNUSED).read_text("utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


def collect(requirement: Requirement, found: set[tuple[str, str]]) -> None:
    """Add what a requirement needs here, as names with extras, by the metadata of what is installed."""
    name = canonicalize_name(requirement.name)
    for extra in {"", *requirement.extras}:
        if (name, extra) not in found and name not in unused():
            found.add((name, extra))
            for below in map(Requirement, requires(name) or ()):
                if below.marker is None or below.marker.evaluate({"extra": extra}):
                    collect(below, found)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_pins_with_hashes_and_nothing_else(lock: str):
    """No address, no option, no package that is not pinned by hash."""
    assert "" == PIN.sub("", (ROOT / lock).read_text("utf-8")).strip()
    assert pins(lock)


@pytest.mark.parametrize("lock", [IMAGE, BUILD])
def test_the_image_installs_what_the_tests_ran_with(lock: str):
    """Every package of the image's locks stands in the main lock, with the same version and hashes."""
    main = {text.partition(" ;")[0]: hashes for text, hashes in pins(MAIN).items()}
    for text, hashes in pins(lock).items():
        assert main.get(text.partition(" ;")[0]) == hashes, text


def test_the_image_holds_what_the_service_needs_and_no_more():
    """PostgreSQL's driver, but no tool of development, training or the demo; CUDA libraries have their own lock."""
    found: set[tuple[str, str]] = set()
    for text in (*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["postgres"]):
        collect(Requirement(text), found)
    assert {name for name, _ in found} - {"torch", *CUDA_ONLY} == set(here(IMAGE))


@pytest.mark.parametrize("text", [*PROJECT["dependencies"], *EXTRAS])
def test_a_requirement_is_pinned_within_its_range(text: str):
    """A line of pyproject.toml that came or changed without locking anew is found."""
    asked = Requirement(text)
    locked = here(MAIN) | here(TORCH) if text in EXTRAS else here(IMAGE) | here(TORCH)
    pinned = locked[canonicalize_name(asked.name)]
    assert asked.specifier.contains(str(pinned.specifier).removeprefix("=="))


def test_torch_has_one_version():
    """The image's torch is the one that `make install` asks for."""
    lines = (ROOT / "requirements-torch.txt").read_text("utf-8").splitlines()
    assert str(here(TORCH)["torch"]) in lines


@pytest.mark.parametrize("text", building().splitlines())
def test_what_builds_the_image_is_pinned(text: str):
    """The build backend and the tool of the bill stand in the lock of the build."""
    assert canonicalize_name(Requirement(text).name) in here(BUILD)


def test_everything_that_the_image_installs_is_checked_by_hash():
    """Each `pip` of the Dockerfile asks for hashes, or may ask nobody."""
    commands = re.split(r"&&|\n(?!\s)", (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " "))
    installing = [one for one in commands if re.search(r"\bpip\b.*\b(install|wheel)\b", one)]
    assert 4 == len(installing)
    for one in installing:
        assert "--require-hashes" in one or "--no-index" in one, one
        assert "--no-deps" in one, one


def test_the_image_ends_as_an_ordinary_user():
    """The last user is a number other than 0, which an orchestrator can check."""
    users = re.findall(r"^USER (\S+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert int(users[-1]) > 0


def test_the_build_sees_only_what_is_named():
    """Databases, keys and environments beside the code stay out of the context; what is copied is in it."""
    lines = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert "*" == lines[0]
    assert {*PACKAGES, "pyproject.toml", "README.md", "LICENSE", "tools/sbom.py"} <= {one[1:] for one in lines}
    assert [] == [one[1:] for one in lines if one[0] == "!" and not list(ROOT.glob(one[1:]))]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel of a copy of what the image is built from."""
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*command, "--wheel-dir", str(source), str(source)], check=True, timeout=120)
    with zipfile.ZipFile(next(source.glob("*.whl"))) as whole:
        yield whole


@pytest.mark.slow
def test_the_wheel_holds_the_three_packages_whole(wheel: zipfile.ZipFile):
    """Every file of theirs, data too, and nothing beside them."""
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    files = [path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()]
    assert held == {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
