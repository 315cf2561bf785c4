"""Tests of what keeps the gateway and its users safe: certificates, rights, secrets, private data, hostile input."""
