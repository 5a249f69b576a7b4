"""The drift alarm."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from streamgmm.settings.section import Seconds, Section

MOST_RUN_LENGTHS = 100  # references' lengths that a run length may have; above 10 it is not held and said so

Detector = Literal["ewma", "cusum", "windows"]
Action = Literal["reheat", "reinitialise", "new_reference"]


class Drift(Section):
    """The drift alarm."""

    enabled: bool = Field(True, description="hold the stream against a frozen reference of the model")
    reference: Literal["auto", "manual", "imported"] = Field(
        "auto",
        description="when the model is frozen as the reference: auto, once `settle` vectors are learnt; manual, on "
        "command only; imported, as it was given, before it learns; after an action that lets it go, as auto",
    )
    settle: int = Field(
        20_000, ge=0, description="vectors learnt before the reference is frozen; for auto, and after an action"
    )
    reference_size: int = Field(20_000, ge=200, description="vectors scored after the freeze to learn what is usual")
    window: int = Field(100, ge=10, le=10_000, description="vectors to a value of the detectors")
    detectors: tuple[Detector, ...] = Field(
        ("ewma",),
        description="what watches the windows, together: ewma (averages that forget), cusum (cumulative sums both "
        "ways), windows (means over the newest 1, 4, 16, 64 and 256 windows)",
    )
    event_time_window: Seconds | None = Field(
        None,
        gt=0,
        description="an event `event_time_window` says what the vectors of each such window of event time were like, "
        "for people to look at; null: none",
    )
    expected_run_length: int = Field(
        200_000, ge=1000, le=10**12, description="vectors between false alarms when nothing changes"
    )
    outlier_quantile: float = Field(
        0.001, gt=0, le=0.1, description="a vector less likely than this share of the reference's is an outlier"
    )
    cool_down: int = Field(
        1000,
        ge=0,
        description="an alarm ends after so many vectors below the warning limits; then for as many none rises",
    )
    actions: tuple[Action, ...] = Field(
        (),
        description="what an alarm does besides telling, in the list's order: reheat (the step size starts anew), "
        "reinitialise (the model starts anew from the vectors after the alarm), new_reference (the model settles "
        "as before the first reference, then becomes the next one)",
    )

    def contradictions(self) -> Iterator[str]:
        """Lengths that no window fits into, run lengths that no reference carries, actions that exclude each other."""
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
        if self.expected_run_length > MOST_RUN_LENGTHS * self.reference_size:
            yield (
                f"drift.expected_run_length: {self.expected_run_length} vectors cannot be calibrated on a reference of "
                f"{self.reference_size} (drift.reference_size); at most {MOST_RUN_LENGTHS} times that, and with less "
                "than a tenth in the reference it is not held"
            )
        if not self.detectors:
            yield "drift.detectors: none is named; name one, or set drift.enabled to false"
        if len(set(self.detectors)) < len(self.detectors):
            yield "drift.detectors: a detector is named twice; name it once"
        if len(set(self.actions)) < len(self.actions):
            yield "drift.actions: an action is named twice; name it once"
        if {"reheat", "reinitialise"} <= set(self.actions):
            yield "drift.actions: reinitialise starts the step size anew too; leave reheat out"
        if {"new_reference", "reinitialise"} <= set(self.actions):
            yield "drift.actions: reinitialise takes a new reference too; leave new_reference out"
