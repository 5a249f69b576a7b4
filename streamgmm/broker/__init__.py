"""Where records come from and go to: Kafka, or the local log. `interface` says what both promise."""
