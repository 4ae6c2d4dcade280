"""The commands that ask an exported model: evaluate, predict, explain, verify."""
