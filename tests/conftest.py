"""What every test shares: Hypothesis profiles and the data outside the repository."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("local", deadline=None, max_examples=60)
settings.register_profile("ci", deadline=None, max_examples=60, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def vod_data() -> Path:
    """The folder of test data, which may not be redistributed with the project."""
    folder = os.environ.get("VOD_DATA")
    if not folder:
        pytest.skip("VOD_DATA is not set: it names the folder of test data")
    path = Path(folder)
    if not path.is_dir():
        pytest.skip(f"VOD_DATA is {folder}, which is not a folder")
    return path


@pytest.fixture(scope="session")
def oracle(vod_data: Path) -> Path:
    """The folder of expected numbers, beside the test data."""
    path = vod_data.parent / "oracle"
    if not path.is_dir():
        pytest.skip("no folder 'oracle' beside VOD_DATA")
    return path


@pytest.fixture(scope="session")
def tiny_paper(tmp_path_factory) -> Path:
    """Weights folder of the paper's system, tiny and random, with graphs."""
    from propagate.export_paper import main
    from tests.tiny_paper import write_tiny

    folder = write_tiny(tmp_path_factory.mktemp("paper") / "weights")
    assert main([str(folder)]) == 0
    return folder
