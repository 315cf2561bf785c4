"""Packages: what is built installs, runs, and goes without a trace."""
