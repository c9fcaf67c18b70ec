"""Reports: the table, report.json and plots of a run."""
