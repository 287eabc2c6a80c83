"""The error tree; every child is also a built-in, so callers may catch either."""


class VodError(Exception):
    """What a user can cause or mend; command lines print its sentence and exit 1."""


class ConfigError(VodError, ValueError):
    """A configuration key, value or name is wrong."""


class ShapeError(VodError, ValueError):
    """Two arrays that must fit do not."""


class WeightsError(VodError, ValueError):
    """A weights or graph file is missing, altered or belongs to another network."""


class AnnotationError(VodError, ValueError):
    """A ground-truth or result file cannot be read as what it should be."""


class FlowError(VodError, ValueError):
    """An optical-flow file or pair of images is not usable."""


class TrainingError(VodError, ArithmeticError):
    """A training run left the numbers."""


class VideoError(VodError, OSError):
    """A video, image or camera cannot be read, or an output cannot be written."""


class DependencyError(VodError, ImportError):
    """An optional package that the user asked for is not installed."""
