"""All settings together, and what must hold between sections."""

from collections.abc import Iterator, Mapping

from pydantic import Field

from streamgmm.settings.broker import Broker
from streamgmm.settings.delivery import Delivery
from streamgmm.settings.drift import Drift
from streamgmm.settings.http import Http
from streamgmm.settings.input import Input
from streamgmm.settings.learning import Learning
from streamgmm.settings.log import Log
from streamgmm.settings.model import Model
from streamgmm.settings.output import Output
from streamgmm.settings.section import NO_TOPICS, Section


class Settings(Section):
    """All of it."""

    broker: Broker = Field(default_factory=Broker, description="where the topics live; all of them on one cluster")
    input: Input = Field(description="what is read")
    output: Output = Field(default_factory=Output, description="what is published")
    model: Model = Field(description="the mixture")
    learning: Learning = Field(default_factory=Learning, description="stepwise EM")
    delivery: Delivery = Field(default_factory=Delivery, description="transactions")
    drift: Drift = Field(default_factory=Drift, description="the drift alarm")
    http: Http = Field(default_factory=Http, description="probes, metrics, the live page, the API")
    log: Log = Field(default_factory=Log, description="log lines")

    @property
    def output_topic(self) -> str:
        """Where assignments go."""
        return self.output.topic or f"{self.input.topic}.assignments"

    @property
    def topics(self) -> Mapping[str, str]:
        """The names of the output's topics by role."""
        output = self.output_topic
        roles = {"dead_letters": "dead-letters", "events": "events", "model": "model"}
        return {"assignments": output} | {role: f"{output}.{ending}" for role, ending in roles.items()}

    @property
    def n_features(self) -> int | None:
        """The number of features where the settings say it."""
        declared = self.input.features
        return self.model.dimension if isinstance(declared, str) else len(declared)

    def contradictions(self) -> Iterator[str]:
        """The input is no output, and the model has the input's dimension."""
        if self.input.topic in self.topics.values():
            yield f"output.topic: {self.output_topic} would write into the input topic {self.input.topic}; name another"
        longest = max(self.topics.values(), key=len)
        if len(longest) > 249:
            yield f"output.topic: the topic name {longest} would have {len(longest)} characters; Kafka takes 249"
        if self.output_topic in NO_TOPICS:
            yield f"output.topic: Kafka takes no topic named {self.output_topic}"
        warm_up, components = self.learning.warm_up, self.model.most_components
        if warm_up is not None and warm_up < 2 * components:
            yield (
                f"learning.warm_up: {warm_up} vectors are too few to start {components} components "
                f"(model.n_components); {2 * components} or more"
            )
        changing = [action for action in self.drift.actions if action != "new_reference"]
        if self.learning.frozen and changing:
            yield f"drift.actions: {changing[0]} changes the model, and learning.frozen is true; leave one of them out"
        yield from self._dimensions()

    def _dimensions(self) -> Iterator[str]:
        components, given = self.model.most_components, self.model.dimension
        if self.input.format in ("float32", "float64") and given is None:
            yield f"model.n_features: required by input.format {self.input.format}, whose rows do not say their length"
        if isinstance(self.input.features, list) and given not in (None, len(self.input.features)):
            yield f"model.n_features: given {given}, but input.features names {len(self.input.features)}; leave it out"
        if self.model.background is not None and given is None:
            yield "model.background: needs model.n_features, or a list in input.features"
        shown = self.output.responsibilities
        if isinstance(shown, int) and shown > components:
            yield f"output.responsibilities: given {shown}, but model.n_components is {components}; at most that"
