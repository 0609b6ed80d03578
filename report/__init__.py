"""The weekly churn report: from the cells that BigQuery counts to the answer."""
