"""What a process tells about itself: metrics, health, logs. Leaves counting to those who do the work."""
