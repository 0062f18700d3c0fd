"""The tables of a study: they open with the simulation, and show what was found."""

from models.studies.tables import protocol_table, world_table

SUMMARY = {
    "statement": "Every figure here is on simulated patients.",
    "by_size": [
        {
            "stays": 341,
            "replicates": 2,
            "auc": {"training": [{"ridge": {"all": 0.7, "6": 0.6}}, {"ridge": {"all": 0.72, "6": None}}]},
            "oracles": {"training": {"O_obs": {"all": 0.8, "6": 0.75}}},
        }
    ],
}


def test_a_world_opens_with_its_statement_and_gives_mean_and_spread():
    """Two sets give a mean with its SD; a figure that is not given is left out of it."""
    lines = world_table(SUMMARY).splitlines()
    assert SUMMARY["statement"] == lines[0]
    assert "| ridge | 0.710 (0.014) | 0.600 |" in lines
    assert "| O_obs | 0.800 | 0.750 |" in lines


def test_the_protocol_shows_deviations_only():
    """No level of an AUC stands in the table."""
    row = {"split": "80/20", "method": "ridge", "sd": 0.05, "low": -0.1, "high": 0.09, "train_test_gap": 0.11}
    found = {"statement": "Simulated patients.", "cohorts": 50, "patients": 426, "spread": [row]}
    assert "| 80/20 | ridge | 0.050 | -0.100 to +0.090 | +0.110 |" in protocol_table(found)
