"""How the mixture learns."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BeforeValidator, ByteSize, Field

from streamgmm.settings.section import Seconds, Section


def _of_a_number(value: object) -> object:
    """A number is short for so many records."""
    return {"value": value} if isinstance(value, int | float) and not isinstance(value, bool) else value


class HalfLife(Section):
    """After how long at most half of what was learnt is kept."""

    value: float = Field(gt=0, description="how many")
    unit: Literal["records", "batches", "seconds"] = Field("records", description="seconds are those of event time")


class Learning(Section):
    """Stepwise EM."""

    frozen: bool = Field(
        False,
        description="the model stays as it is: vectors are assigned and held against the reference, and nothing is "
        "learnt; needs a model that has started, was imported or is given by weights, means and covariances",
    )
    batch_size: int = Field(512, ge=1, le=1_000_000, description="vectors to an M-step")
    exponent: float = Field(
        0.6,
        gt=0.5,
        le=1,
        description="how fast the step size falls: the rate is (t + delay) ** -exponent, t in batches",
    )
    delay: float = Field(10.0, ge=0, description="how many batches' worth of steps the start is damped by")
    half_life: Annotated[HalfLife | None, BeforeValidator(_of_a_number)] = Field(
        None,
        description="after this at most half of what was learnt is kept: `{value: 50000, unit: records}`, `batches`, "
        "or `seconds` of event time (`input.event_time`); a number alone is records, counted by weight; null: the step "
        "size falls for ever",
    )
    max_gap: Seconds | None = Field(
        None, gt=0, description="of a pause in event time at most so much counts for a half-life in seconds; null: all"
    )
    averaging: bool = Field(
        False,
        description="keep statistics averaged over the stream's tail; the reference for drift is taken from them",
    )
    averaged_scoring: bool = Field(
        False, description="publish what the averaged model says, which costs a second E-step; needs learning.averaging"
    )
    dead_components: Literal["keep", "respawn", "split"] = Field(
        "keep",
        description="what becomes of a component that holds less than one vector: it waits, starts anew where vectors "
        "are, or takes half of the largest; the latter two give it a new id",
    )
    merge: float | None = Field(
        None,
        ge=0.5,
        lt=1,
        description="two components that overlap above this for 3 checks in a row (one each 64 M-steps) become one, by "
        "Bhattacharyya's coefficient, which is 1 for the same Gaussian; 0.8 suits most; null: never",
    )
    split: bool = Field(
        False,
        description="a component whose vectors fall in two along a principal axis becomes two, where a merged or a "
        "dead one has left its place",
    )
    warm_up: int | None = Field(
        None, ge=1, description="vectors to gather before the model starts; null: max(20, 5 K (D + 1))"
    )
    warm_up_bytes: ByteSize = Field(
        ByteSize(256 * 1024 * 1024),
        ge=1024,
        description="the warm-up ends when its buffer has this size too, whatever it holds",
    )

    @property
    def looks_out(self) -> bool:
        """Whether components may be merged or split."""
        return self.merge is not None or self.split

    def contradictions(self) -> Iterator[str]:
        """A half-life holds a batch; a setting that another one switches on has no meaning without it."""
        given = self.half_life
        in_batches = {"records": 1 / self.batch_size, "batches": 1.0}
        if given is not None and given.value * in_batches.get(given.unit, float("inf")) < 1:
            yield (
                f"learning.half_life: {given.value:g} {given.unit} are less than a batch (learning.batch_size) of "
                f"{self.batch_size} records; that or more"
            )
        if self.max_gap is not None and (given is None or given.unit != "seconds"):
            yield "learning.max_gap: has no meaning without a learning.half_life in seconds"
        if self.averaged_scoring and not self.averaging:
            yield "learning.averaged_scoring: needs learning.averaging: true"
