"""The forms of the detector that can run here: sizes and precisions."""

from propagate.speed.choices import Base, Network


def available_networks(base: Base) -> list[Network]:
    """List what is ready to run, the most exact first.

    Raises:
        VodError: not even the configured one is.
    """
    preprocessing = base.config().detector
    return [Network(preprocessing.name)]
