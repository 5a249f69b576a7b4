"""A model that is frozen by `learning.frozen`: what that needs, and that it is told when it changes."""

from streamgmm.engine.values import Event
from streamgmm.errors import SettingsError
from streamgmm.service.checkpoint import Checkpoint
from streamgmm.settings import Settings


def refuse_without_model(held: Checkpoint | None, settings: Settings) -> None:
    """Raise SettingsError where the settings freeze a model, and there is none and none is given."""
    if not settings.learning.frozen or settings.model.is_given or (held is not None and held.live is not None):
        return
    name, waiting = settings.model.name, sum(span.accepted for span in held.buffered) if held is not None else 0
    raise SettingsError(
        f"learning.frozen: model {name!r} has not started ({waiting} records wait in its warm-up), so there is "
        "nothing to freeze. Let it learn first (learning.frozen: false), bring a model (streamgmm model import), or "
        "give one by model.weights_init, means_init and covariances_init"
    )


def refuse_to_forget(settings: Settings) -> None:
    """Raise SettingsError where a model that is forgotten could not start again."""
    if settings.learning.frozen and not settings.model.is_given:
        raise SettingsError(
            f"learning.frozen is true: once model {settings.model.name!r} is forgotten it could not start again. "
            "Set it to false to let another one learn, or put another in its place (streamgmm model import)"
        )


def changed(held: Checkpoint, settings: Settings) -> tuple[Event, ...]:
    """The event that the model is frozen from now on, or learns again; none where it goes on as it did."""
    was, now = bool(held.settings.get("learning", {}).get("frozen")), settings.learning.frozen
    if held.live is None or was == now:
        return ()
    return (Event("model_frozen" if now else "model_unfrozen", {"steps": held.live.mixture.steps}),)
