"""Tests of the functional core: facts in, outcomes out; no clock, no network."""
