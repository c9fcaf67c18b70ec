"""Design-space exploration: sweeps of machines over a network."""
