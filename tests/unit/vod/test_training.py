import keras
import pytest

from vod.errors import TrainingError
from vod.training import StopOnDivergence


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def watch(model, backup):
    callback = StopOnDivergence(backup, rate="schedule.peak")
    callback.set_model(model)
    return callback


def test_a_loss_that_is_a_number_passes(model, tmp_path):
    watch(model, tmp_path).on_train_batch_end(0, {"loss": 1.0})


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_is_one_clear_error(model, tmp_path, loss):
    expected = (
        rf"diverged at step 0: the loss is {loss}\. .*{tmp_path.name}\. "
        r"Lower schedule\.peak .* --resume"
    )
    with pytest.raises(TrainingError, match=expected):
        watch(model, tmp_path).on_train_batch_end(1, {"loss": loss})


def test_a_run_without_a_checkpoint_says_so(model, tmp_path):
    with pytest.raises(TrainingError, match="none was written yet"):
        watch(model, tmp_path / "gone").on_train_batch_end(1, {"loss": float("nan")})
