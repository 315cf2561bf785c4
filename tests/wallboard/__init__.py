"""Tests of the wallboard, in a real Chromium on a real Mosquitto."""
