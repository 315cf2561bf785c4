"""Figures from a queue_log alone."""
