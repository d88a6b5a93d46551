"""Names, birth dates and numbers compared: ranked and explained. Nothing here decides that two persons are one."""
