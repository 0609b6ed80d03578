"""Train the churn model, judge it, and simulate the shops to do it on. Not deployed."""
