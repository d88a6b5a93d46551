"""The words of alerts and reports in the languages of their readers; English is what the code itself says."""
