"""The churn model that comes with the report."""
