"""What do people see of Retention in Grafana? Dashboards as code: `python -m grafana` writes grafana/dashboards/*.json."""
