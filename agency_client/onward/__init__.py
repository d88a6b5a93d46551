"""Originator control: nothing goes on, or before a court, without the consent of whoever it comes from."""
