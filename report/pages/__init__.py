"""The report that people look at: the page to make one, the report as HTML, and as PDF. All from one `Report`, in one wording."""
