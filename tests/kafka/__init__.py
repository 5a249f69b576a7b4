"""A real Apache Kafka for tests, benchmarks and for trying things by hand (`make kafka`)."""
