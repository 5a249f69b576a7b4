"""What the drift benchmark is made of: streams that change, our detectors, the peers', and real data."""
