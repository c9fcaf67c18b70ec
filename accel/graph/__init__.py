"""The network representation: frozen graph, shape arithmetic, checks."""
