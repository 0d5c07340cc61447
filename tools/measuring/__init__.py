"""What the benchmarks and the soak test are made of."""
