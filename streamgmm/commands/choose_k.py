"""`streamgmm model choose-k`: every number of components in a range on the same vectors, as a table, and the best one.

The vectors come from a file or from the beginning of the input topic, and are read and transformed as the settings say.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from streamgmm.broker.interface import Broker
from streamgmm.broker.open import open_broker
from streamgmm.commands.rows import Choice as Written
from streamgmm.commands.rows import rows_of
from streamgmm.engine import plan as plans
from streamgmm.engine.plan import Plan
from streamgmm.engine.values import Array
from streamgmm.errors import BrokerError, TooFewVectors
from streamgmm.mixture import selection
from streamgmm.records.columns import RecordColumns
from streamgmm.service.compiled import load_compiled
from streamgmm.settings import Settings

_CRITERIA = {"bic": selection.bic, "aic": selection.aic}
_CHUNK = 5000  # rows of a file at a time


class Sample(NamedTuple):
    """Vectors to choose on."""

    vectors: Array  # (n, d)
    weights: Array  # (n,)
    rejected: int  # records


async def choose_k(settings: Settings, file: Path | None, most: int, criterion: Literal["bic", "aic"]) -> Iterator[str]:
    """The lines of the table. Looks at the first `most` vectors.

    Raises TooFewVectors where they cannot carry the fewest components, and what reading raises.
    """
    await load_compiled(settings.model.covariance_type)
    if file is None:
        plan, sample = plans.plan(settings, largest_record=0), await _of_topic(settings, most)
    else:
        read_as = settings.input.model_copy(update={"format": _format(settings)})
        plan = plans.plan(settings.model_copy(update={"input": read_as}), largest_record=0)
        sample = await _gathered(plan, _of_file(file, _format(settings)), settings.n_features, most)
    return _chosen(plan, sample, criterion, str(file or settings.input.topic))


def _format(settings: Settings) -> Literal["msgpack", "json"]:
    return "json" if settings.input.format == "json" else "msgpack"


def _chosen(plan: Plan, sample: Sample, criterion: Literal["bic", "aic"], source: str) -> Iterator[str]:
    carrying = int(np.count_nonzero(sample.weights))
    candidates = [k for k in plan.candidates if 2 * k <= carrying]
    if not candidates:
        raise TooFewVectors(
            f"{source} holds {carrying} vectors that can be learnt ({sample.rejected} records were rejected): too few "
            f"for {plan.candidates[0]} components, which need {2 * plan.candidates[0]}"
        )
    choice = selection.choose_k(
        sample.vectors,
        candidates,
        plan.learning,
        random_state=plan.learning.random_state,
        weights=sample.weights,
        start=plan.start,
        criterion=_CRITERIA[criterion],
    )
    return _lines(choice, sample, plan.learning.covariance.name, criterion)


def _lines(choice: selection.Choice, sample: Sample, covariance: str, criterion: str) -> Iterator[str]:
    yield f"{'K':>4}  {'log-likelihood':>16}  {'parameters':>10}  {'BIC':>14}  {'AIC':>14}"
    for k, log_likelihood, n_parameters, bic, aic in choice.candidates:
        best = f"  <- lowest {criterion.upper()}" if k == choice.n_components else ""
        yield f"{k:>4}  {log_likelihood:>16,.1f}  {n_parameters:>10,}  {bic:>14,.1f}  {aic:>14,.1f}{best}"
    n, d = sample.vectors.shape
    looked = "" if n == choice.n_vectors else f", judged on a total weight of {choice.n_vectors:,g}"
    rejected = f", {sample.rejected:,} records rejected" if sample.rejected else ""
    yield f"{n:,} vectors of {d} features, {covariance} covariance{looked}{rejected}"
    yield f"model.n_components: {choice.n_components}"


# ---- where vectors come from


async def _of_topic(settings: Settings, most: int) -> Sample:
    plan = plans.plan(settings, largest_record=0)
    async with open_broker(settings.broker, create=False) as broker:
        topic = settings.input.topic
        if await broker.topic(topic) is None:
            raise BrokerError(f"topic {topic} does not exist")
        return await _gathered(plan, _of_partitions(broker, settings), settings.n_features, most)


async def _of_partitions(broker: Broker, settings: Settings) -> AsyncIterator[RecordColumns]:
    """The records from `input.start` to the end as it is now."""
    topic = settings.input.topic
    positions, ends = await broker.offsets(topic, settings.input.start), await broker.offsets(topic, "latest")
    reader = await broker.reader(topic)
    try:
        await reader.assign(positions)
        while any(positions[partition] < end for partition, end in ends.items()):
            for partition, columns in sorted((await reader.fetch(timeout=0.5)).items()):
                positions[partition] = columns.position
                yield columns
    finally:
        await reader.close()


async def _of_file(file: Path, encoding: Literal["msgpack", "json"]) -> AsyncIterator[RecordColumns]:
    for rows in rows_of(file, Written(encoding), _CHUNK):
        yield rows.columns()


async def _gathered(plan: Plan, records: AsyncIterator[RecordColumns], n_features: int | None, most: int) -> Sample:
    """Vectors of the records, in their order, until there are enough."""
    matrices, weights, count, rejected = [], [], 0, 0
    async for columns in records:
        found = plan.decoder.decode(columns, n_features)
        rejected += len(found.rejected)
        if len(found.matrix):
            n_features = found.matrix.shape[1]
            matrices.append(found.matrix)
            weights.append(found.weights)
            count += len(found.matrix)
        if count >= most:
            break
    if not matrices:
        return Sample(np.empty((0, 1)), np.empty(0), rejected)
    return Sample(np.concatenate(matrices)[:most], np.concatenate(weights)[:most], rejected)
