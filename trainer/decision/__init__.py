"""How scores become labels: calibration, thresholds, costs, abstaining; pure functions, in NumPy and as a graph."""
