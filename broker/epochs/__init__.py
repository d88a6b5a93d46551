"""What an operator does when the database was lost: back up, restore, go on, or open a new log."""
