"""The dashboard for Grafana, as far as it can be looked at without one."""
