"""The END model: network, training, simulation and prediction."""
