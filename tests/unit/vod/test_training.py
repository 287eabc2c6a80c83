import keras
import pytest

from vod.errors import TrainingError
from vod.training import StopOnDivergence


@pytest.fixture
def model():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    return model


def watch(model, backup, describe=None):
    callback = StopOnDivergence(backup, rate="schedule.peak", describe=describe)
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_train_batch_begin(0)
    return callback


def test_a_loss_that_is_a_number_passes(model, tmp_path):
    watch(model, tmp_path).on_train_batch_end(0, {"loss": 1.0})


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_is_one_clear_error(model, tmp_path, loss):
    expected = (
        rf"diverged at step 1: the loss is {loss}\. .*{tmp_path.name}\. "
        r"Lower schedule\.peak .* --resume"
    )
    with pytest.raises(TrainingError, match=expected):
        watch(model, tmp_path).on_train_batch_end(1, {"loss": loss})


def test_a_run_without_a_checkpoint_says_so(model, tmp_path):
    with pytest.raises(TrainingError, match="none was written yet"):
        watch(model, tmp_path / "gone").on_train_batch_end(1, {"loss": float("nan")})


def test_the_batch_is_named_by_its_number_from_the_resumed_step_on(model, tmp_path):
    model.optimizer.iterations.assign(7)
    callback = watch(model, tmp_path, lambda number: f"batch {number} of seed 3")
    callback.on_train_batch_end(0, {"loss": 1.0})
    with pytest.raises(TrainingError, match="at step 9, batch 8 of seed 3: the loss"):
        callback.on_train_batch_end(1, {"loss": float("nan")})


def test_weights_that_are_no_numbers_end_an_epoch(model, tmp_path):
    callback = watch(model, tmp_path)
    callback.on_epoch_end(0)
    model.layers[0].bias.assign([float("nan")])
    with pytest.raises(TrainingError, match="bias holds values that are no numbers"):
        callback.on_epoch_end(0)
