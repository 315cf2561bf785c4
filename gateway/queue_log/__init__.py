"""Asterisk's queue_log: its lines, its files through any rotation, and what it tells of a time nobody watched."""
