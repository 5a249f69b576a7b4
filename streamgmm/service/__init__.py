"""The service: the learner's loop, its checkpoints, probes and metrics."""
