"""What sessions add up to, by session, agent, group or day, and how it is written: table, CSV, JSON, HTML."""
