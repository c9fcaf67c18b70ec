"""Mutants of the software: small changes in compiler, importers and golden model, and who notices.

A mutant is one change in one line: another operator, a number one larger, a condition negated, a
loop that never runs.  Tests are worth what they notice: a mutant that all of them let live is
either equivalent (no input shows a difference) or a test that is missing.

Cosmic Ray (https://cosmic-ray.readthedocs.io) makes the mutants and keeps the session, in SQLite,
so that a campaign can be stopped and taken up again.  Its own way to run tests is a new pytest for
a file changed on disk: a thousand times the imports, and whoever else uses the checkout sees the
changes.  So here one process imports NumPy, Numba, ONNX and the others once, and forks for each
mutant: the child alone imports the changed source (``planted``), and runs the tests that run the
changed line (``touch``), quick and different ones first, until one fails (``trial``).
"""
