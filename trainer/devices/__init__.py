"""Settings and environment -> the devices that a training runs on, on this machine or on several."""
