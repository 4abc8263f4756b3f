"""`metering demo`: the main job shown to a person, with made-up customers and traffic. Leaves the job to the others."""
