"""`metering bench`: scenarios, set-up, measuring and checking. Leaves the work to worker and checkpointer."""
