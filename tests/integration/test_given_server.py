"""The contract suite as a tester runs it, against a server of their own that ``ENDWATCH_TEST_FHIR`` names."""

import os
import subprocess
import sys
from pathlib import Path

from tests.integration.servers import Server

ROOT = Path(__file__).parents[2]
SUITE = [path for path in sorted(Path(__file__).parent.glob("test_contract_suite*.py")) if "large" not in path.name]
"""Without the large charts: the command is what is tried, and the others try the server in a few seconds."""

_MOST_S = 300


def test_a_server_that_somebody_names_is_tried_alone_and_told(hapi: Server) -> None:
    """Green on a HAPI of their own, and the output says which server it was and what it does not take."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--no-cov", "-p", "no:cacheprovider", *map(str, SUITE)],
        cwd=ROOT,
        env=os.environ | {"ENDWATCH_TEST_FHIR": hapi.base},
        capture_output=True,
        text=True,
        timeout=_MOST_S,
        check=False,
    )
    assert 0 == run.returncode, run.stdout[-3000:] + run.stderr[-1000:]
    assert f"FHIR server (given, hapi): {hapi.name} {hapi.version}" in run.stdout
    assert f"{hapi.name} {hapi.version}, ids_with_underscore: the server refuses to hold it" in run.stdout
    assert 1 == run.stdout.count("FHIR server (")
