"""Which names and numbers do all dashboards share? The one place to change them."""

TAG = "retention"  # by which dashboards link to each other
FOLDER = "Retention"
DATASOURCE_UID = "retention-prometheus"  # as grafana/provisioning/datasources names it
DATASOURCE = "${datasource}"  # what panels say instead, so that another Prometheus can be chosen

DAYS = ("01", "03", "07", "14", "30")  # which the exporter shows per cohort unless its setting says otherwise
MILESTONES = ("01", "07", "30")
BUSINESS_RANGE = ("now-30d", "now")
WATCH_RANGE = ("now-14d", "now")
PIPELINE_RANGE = ("now-3h", "now")
BUSINESS_REFRESH, PIPELINE_REFRESH = "1m", "15s"
BUSINESS_STEP, PIPELINE_STEP = "1m", "15s"  # no panel asks for points closer to each other

# Thresholds that rules and panels share; tests/grafana holds them to grafana/prometheus/rules.
Z_ALERT, CUSUM_ALERT = -3.0, 5.0
REFRESH_SECONDS_MAX, WATCH_SECONDS_MAX = 180.0, 900.0
VISIBLE_SECONDS_MAX = 60.0
REDIS_FULL_RATIO = 0.85

# A board's uid is its address: it never changes, whatever its title.
COHORTS = "retention-cohorts"
GROWTH = "retention-growth"
REVENUE = "retention-revenue"
EXPERIMENTS = "retention-experiments"
CHURN_WATCH = "retention-churn-watch"
PIPELINE = "retention-pipeline"
