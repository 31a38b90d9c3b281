"""The year as staff write it: campaigns, their pushes, and which of them are in force."""
