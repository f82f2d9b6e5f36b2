"""VII. Does it work on this device? Every primitive, random numbers, trainings, time."""
