"""The work of each command, as typed functions: train, evaluate, predict, explain, verify."""
