"""What is served over HTTP: figures for Prometheus, whether the gateway is healthy, and the wallboard's files."""
