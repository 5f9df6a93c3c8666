"""Measurements.  Nothing here is a test: no figure decides whether a commit is good."""
