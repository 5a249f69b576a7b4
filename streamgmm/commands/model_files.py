"""`streamgmm model export` and the reading for `import`: models in files, `.msgpack` or `.json`."""

from pathlib import Path

from streamgmm.errors import SettingsError
from streamgmm.service import model_file
from streamgmm.service.checkpoint import Checkpoint


def write(checkpoint: Checkpoint, path: Path) -> str:
    """Write a checkpoint's model; returns a sentence that says what was done.

    Raises SettingsError for a path that cannot be written, and where the model has not started.
    """
    try:
        path.write_bytes(model_file.encode(model_file.document_of(checkpoint), model_file.suffix_of(path)))
    except ValueError as error:
        raise SettingsError(str(error)) from error
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror}") from error
    return f"{checkpoint.n_components} components of {checkpoint.n_features} features written to {path}"


def read(path: Path) -> object:
    """What a file holds. Raises SettingsError where it cannot be read."""
    try:
        return model_file.decode(path.read_bytes(), model_file.suffix_of(path))
    except ValueError as error:
        raise SettingsError(f"{path}: {error}") from error
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
