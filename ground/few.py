"""Below how many people nothing is said of what they answered: a figure of fewer tells who said what."""

FEWEST = 5
