"""The drift alarm."""

from collections.abc import Iterator

from pydantic import Field

from streamgmm.settings.section import Section


class Drift(Section):
    """The drift alarm."""

    enabled: bool = Field(True, description="hold the stream against a frozen reference of the model")
    settle: int = Field(20_000, ge=0, description="vectors learnt before the reference is frozen")
    reference_size: int = Field(20_000, ge=200, description="vectors scored after the freeze to learn what is usual")
    window: int = Field(100, ge=10, le=10_000, description="vectors to a value of the detector")
    smoothing: float = Field(0.1, gt=0, le=1, description="weight of the newest window in the EWMA")
    expected_run_length: int = Field(
        200_000, ge=1000, le=10**12, description="vectors between false alarms when nothing changes"
    )
    outlier_quantile: float = Field(
        0.001, gt=0, le=0.1, description="a vector less likely than this share of the reference's is an outlier"
    )

    def contradictions(self) -> Iterator[str]:
        """Lengths that no window fits into."""
        if self.reference_size < 2 * self.window:
            yield (
                f"drift.reference_size: {self.reference_size} vectors hold fewer than two windows (drift.window) of "
                f"{self.window}"
            )
        if self.expected_run_length < 10 * self.window:
            yield (
                f"drift.expected_run_length: {self.expected_run_length} vectors are fewer than ten windows "
                f"(drift.window) of {self.window}"
            )
