"""Tests of gateway.queue_log."""
