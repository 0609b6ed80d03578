"""The report for people: the page, HTML, PDF, mail and Slack, all made from one `Report` with the same wording."""
