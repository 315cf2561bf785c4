"""The session model: standard library only, no clock, no I/O; time comes in as a value."""
