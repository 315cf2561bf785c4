"""The broker's side: topics, payloads, and a client that outlives its connections."""
