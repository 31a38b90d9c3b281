"""What happens by the clock: the year's campaigns, their timetable, and the workers that send."""
