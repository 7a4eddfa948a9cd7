"""Which dashboards are there? One module each, in the order in which they are read; `ALL` are their builders."""

from grafana.boards import churn_watch, cohorts, experiments, growth, pipeline, revenue

ALL = (cohorts.board, growth.board, revenue.board, experiments.board, churn_watch.board, pipeline.board)
