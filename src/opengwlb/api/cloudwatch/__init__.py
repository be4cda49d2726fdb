"""Amazon CloudWatch: metrics, without alarms, dashboards and metric math."""

from . import get_metric_data, get_metric_statistics, list_metrics, put_metric_data

__all__ = ["get_metric_data", "get_metric_statistics", "list_metrics", "put_metric_data"]
