"""Asterisk's side: a scripted manager on a real socket, and what our link to it promises."""
