"""The mathematics of the mixture: pure functions on immutable values. Read `stepwise_em` first."""
