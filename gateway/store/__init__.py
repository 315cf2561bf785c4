"""What survives the gateway: sessions, unsent messages and places, in one SQLite file."""
