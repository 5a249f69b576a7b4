"""How the mixture learns."""

from pydantic import ByteSize, Field

from streamgmm.settings.section import Section


class Learning(Section):
    """Stepwise EM."""

    batch_size: int = Field(512, ge=1, le=1_000_000, description="vectors to an M-step")
    exponent: float = Field(
        0.6,
        gt=0.5,
        le=1,
        description="how fast the step size falls: the rate is (t + delay) ** -exponent, t in batches",
    )
    delay: float = Field(10.0, ge=0, description="how many batches' worth of steps the start is damped by")
    warm_up: int | None = Field(
        None, ge=1, description="vectors to gather before the model starts; null: max(20, 5 K (D + 1))"
    )
    warm_up_bytes: ByteSize = Field(
        ByteSize(256 * 1024 * 1024),
        ge=1024,
        description="the warm-up ends when its buffer has this size too, whatever it holds",
    )
