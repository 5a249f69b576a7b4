"""What a Quix Streams program does for the same input: score under a fixed mixture, and publish. It does not learn.

Runs in an environment of its own (`quix.lock`) until it is ended. Arguments: address, input topic, output topic.
"""

import sys

import numpy as np
from quixstreams import Application

FEATURES, COMPONENTS = 8, 10
NUMBER = np.dtype([("type", "u1"), ("value", ">f8")])  # a float64 of msgpack


def main() -> None:
    """Run until ended."""
    address, source, target = sys.argv[1:]
    app = Application(
        broker_address=address,
        consumer_group=target,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=0.1,
        auto_create_topics=False,
        loglevel="ERROR",
    )
    read = app.topic(source, key_deserializer="bytes", value_deserializer="bytes")
    written = app.topic(target, key_serializer="bytes", value_serializer="bytes")
    app.dataframe(read).apply(scorer()).to_topic(written)
    app.run()


def scorer():  # noqa: ANN201 - a function from bytes to bytes
    """Responsibilities under ten Gaussians with full covariances, from msgpack that ends with the 8 numbers."""
    rng = np.random.default_rng(0)
    means = 6 * rng.standard_normal((COMPONENTS, FEATURES))
    factors = np.tril(0.1 * rng.standard_normal((COMPONENTS, FEATURES, FEATURES)), -1) + np.eye(FEATURES)

    def score(value: bytes) -> bytes:
        vector = np.frombuffer(value[-FEATURES * NUMBER.itemsize :], NUMBER)["value"]
        whitened = (factors @ (vector - means)[:, :, None])[:, :, 0]
        logs = -0.5 * (whitened * whitened).sum(axis=1)
        likelihoods = np.exp(logs - logs.max())
        return np.asarray(likelihoods / likelihoods.sum(), np.float32).tobytes()

    return score


if __name__ == "__main__":
    main()
