"""Asterisk's side: its wire, its events, and what they mean for the session model."""
