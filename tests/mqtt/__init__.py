"""Tests of the MQTT side."""
