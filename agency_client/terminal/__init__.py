"""What an officer sees at a terminal: cleaned strings, tables, banners, JSON, exit codes."""
