"""Tests of the configuration: what it takes, and what it says when it cannot."""
