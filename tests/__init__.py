"""The tests: units beside the package they test, and ends to ends on a real Asterisk and a real broker."""
