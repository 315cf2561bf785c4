"""End to end: the gateway as a process between a real Asterisk and a real Mosquitto."""
