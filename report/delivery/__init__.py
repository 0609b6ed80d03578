"""The weekly run and its channels: a signed webhook, Slack, e-mail."""
