"""What the settings select, chosen once: below this no setting's name is compared with anything."""

from typing import NamedTuple

from streamgmm.drift import monitor
from streamgmm.mixture import covariance, stepwise_em
from streamgmm.records import assignments, vectors
from streamgmm.settings import Settings


class Plan(NamedTuple):
    """What the settings fix for the engine's life."""

    topic: str
    decoder: vectors.Decoder
    encoder: assignments.Encoder
    source_header: bool
    largest_record: int  # bytes of an assignment's key, value and headers
    n_components: int
    random_state: int
    learning: stepwise_em.Learning
    warm_up: int | None
    warm_up_bytes: int
    drift: monitor.Plan | None


def plan(settings: Settings, *, largest_record: int) -> Plan:
    """Choose once what the settings select; `largest_record` in bytes is what the output takes."""
    model, learning, drift = settings.model, settings.learning, settings.drift
    return Plan(
        topic=settings.input.topic,
        decoder=vectors.decoder(settings.input),
        encoder=assignments.encoder(settings.output),
        source_header=settings.output.source_header,
        largest_record=largest_record,
        n_components=model.n_components,
        random_state=model.random_state,
        learning=stepwise_em.Learning(
            covariance=covariance.by_name(model.covariance_type),
            batch_size=learning.batch_size,
            exponent=learning.exponent,
            delay=learning.delay,
            reg_relative=model.reg_relative,
            reg_covar=model.reg_covar,
        ),
        warm_up=learning.warm_up,
        warm_up_bytes=int(learning.warm_up_bytes),
        drift=monitor.plan(**drift.model_dump(exclude={"enabled"})) if drift.enabled else None,
    )
