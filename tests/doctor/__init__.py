"""Tests of the doctor: planted faults on a real Asterisk and a real broker, and that a healthy place is left alone."""
