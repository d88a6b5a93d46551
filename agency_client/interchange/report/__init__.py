"""An alert as one page of HTML to read, print and file: in every language, nothing fetched, nothing that runs."""
