"""What happens by the clock: the timetable of the year's pushes, and the workers that send."""
