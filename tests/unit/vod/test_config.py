from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from vod.config import from_mapping, load_config, nearest, to_mapping
from vod.errors import ConfigError


@dataclass(frozen=True)
class Inner:
    width: int = 300
    border: Literal["zeros", "edge"] = "zeros"

    def __post_init__(self):
        if self.width < 1:
            raise ConfigError(f"width must be at least 1, received {self.width}.")


@dataclass(frozen=True)
class Outer:
    threshold: float = 0.5
    enabled: bool = True
    weights: Path | None = None
    limit: int | None = None
    size: tuple[int, int] = (300, 300)
    names: tuple[str, ...] = ()
    level: Literal[1, 2] = 1
    inner: Inner = field(default_factory=Inner)
    inners: dict[str, Inner] = field(default_factory=dict)
    free: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Required:
    width: int


def load(tmp_path, text, *overrides, schema=Outer):
    path = tmp_path / "preset.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(schema, path, overrides)


def test_without_a_file_the_defaults_stand():
    assert load_config(Outer) == Outer()


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_an_empty_file_gives_the_defaults(tmp_path, text):
    assert load(tmp_path, text) == Outer()


def test_a_file_states_only_what_differs(tmp_path):
    config = load(tmp_path, "threshold: 1\ninner:\n  border: edge\n")
    assert config == Outer(threshold=1.0, inner=Inner(border="edge"))
    assert type(config.threshold) is float


def test_tuples_of_fixed_and_free_length_are_read(tmp_path):
    config = load(tmp_path, "size: [112, 200]\nnames: [cat, dog, cow]\n")
    assert config.size == (112, 200)
    assert config.names == ("cat", "dog", "cow")


def test_optional_fields_take_null_or_their_type(tmp_path):
    config = load(tmp_path, "limit: null\nweights: models/a\n")
    assert config.limit is None
    assert config.weights == Path("models/a")
    assert load(tmp_path, "limit: 3\n").limit == 3


def test_dictionaries_convert_their_values(tmp_path):
    config = load(tmp_path, "inners: {a: {width: 5}}\nfree: {x: [1, {y: z}]}\n")
    assert config.inners == {"a": Inner(width=5)}
    assert config.free == {"x": [1, {"y": "z"}]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("treshold: 1\n", r"preset.yaml: unknown key 'treshold'. Did you mean 'thres"),
        ("inner:\n  widht: 1\n", r"unknown key 'inner.widht'. Did you mean 'width'"),
        ("zzz: 1\n", r"unknown key 'zzz'. Known: threshold, enabled"),
        ("1: 1\n", r"unknown key '1'"),
        ("limit: 1\nlimit: 2\n", r"preset.yaml: line 2: key 'limit' is stated twice"),
        ("inner:\n  width: 1\n  width: 1\n", r"line 3: key 'width' is stated twice"),
        ("? [a, b]\n: 1\n", r"preset.yaml: line 1: a key must be a plain word"),
        ("threshold: 1e-3\n", r"threshold must be float, received '1e-3' .*1\.0e-3"),
        ("threshold: .nan\n", r"threshold must be float, received nan"),
        ("threshold: true\n", r"threshold must be float, received True"),
        ("limit: 1.5\n", r"limit must be int, received 1.5"),
        ("limit: true\n", r"limit must be int, received True"),
        ("enabled: 1\n", r"enabled must be bool, received 1"),
        ("size: [1, 2, 3]\n", r"size must be tuple\[int, int\], received \[1, 2, 3\]"),
        ("size: [1, x]\n", r"size\[1\] must be int, received 'x'"),
        ("names: cat\n", r"names must be tuple\[str, ...\], received 'cat'"),
        ("level: 3\n", r"level must be Literal\[1, 2\], received 3"),
        ("inner: 3\n", r"inner must be Inner, received 3"),
        ("free: 3\n", r"free must be dict\[str, Any\], received 3"),
        ("inners: {a: {wdth: 1}}\n", r"unknown key 'inners.a.wdth'. Did you mean"),
        ("inner: {border: edges}\n", r"inner.border cannot be 'edges'. .*'edge'"),
        ("inner: {width: 0}\n", r"preset.yaml: inner.width must be at least 1"),
        ("- 1\n", r"preset.yaml must hold 'key: value' lines"),
        ("limit: [\n", r"preset.yaml is not valid YAML"),
        ("limit: 2020-13-45\n", r"preset.yaml is not valid YAML"),
        ("limit: !!python/name:os.system\n", r"preset.yaml is not valid YAML"),
        ("inner: &a {b: *a}\n", r"preset.yaml is not valid YAML"),
    ],
)
def test_a_wrong_file_is_one_clear_sentence(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        load(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot read config .*absent\.yaml"):
        load_config(Outer, tmp_path / "absent.yaml")


def test_a_file_that_is_not_text_is_named(tmp_path):
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"cannot read config .*binary\.yaml"):
        load_config(Outer, path)


def test_a_missing_required_key_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"a key is missing: .*'width'"):
        load(tmp_path, "", schema=Required)


def test_overrides_win_over_the_file(tmp_path):
    config = load(tmp_path, "inner: {width: 1}\n", "inner.width=7", "names=[a, b]")
    assert config.inner.width == 7
    assert config.names == ("a", "b")


def test_overrides_work_without_a_file():
    assert load_config(Outer, None, ["inner.border=edge"]).inner.border == "edge"


def test_the_last_of_equal_overrides_wins():
    assert load_config(Outer, None, ["limit=1", "limit=2"]).limit == 2


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("limit", "--set expects key.sub=value, received 'limit'"),
        ("=3", "--set expects key.sub=value, received '=3'"),
        ("limit=[", "--set limit=.: the value is not YAML"),
        ("limit=2020-13-45", "--set limit=2020-13-45: the value is not YAML"),
        ("free={a: 1, a: 2}", "--set free=.*: line 1: key 'a' is stated twice"),
        ("limt=3", "--set: unknown key 'limt'. Did you mean 'limit'"),
        ("inner.wdth=3", "--set: unknown key 'inner.wdth'"),
        ("threshold=1e-3", "threshold must be float, received '1e-3' .*1.0e-3"),
    ],
)
def test_a_wrong_override_is_one_clear_sentence(override, message):
    with pytest.raises(ConfigError, match=message):
        load_config(Outer, None, [override])


def test_an_override_inside_a_value_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="'limit' is not a group of keys"):
        load(tmp_path, "limit: 3\n", "limit.x=1")


def test_a_wrong_override_of_a_file_names_both(tmp_path):
    with pytest.raises(ConfigError, match=r"preset.yaml with --set: unknown key"):
        load(tmp_path, "limit: 3\n", "limt=1")


def test_to_mapping_gives_plain_values_that_load_back():
    config = Outer(
        weights=Path("a/b"),
        names=("x",),
        inners={"k": Inner(width=2)},
        free={"f": (1, 2)},
    )
    plain = to_mapping(config)
    assert plain["weights"] == "a/b"
    assert plain["names"] == ["x"]
    assert plain["inners"] == {"k": {"width": 2, "border": "zeros"}}
    assert plain["free"] == {"f": [1, 2]}
    plain["free"] = {"f": (1, 2)}
    assert from_mapping(Outer, plain, source="test") == config


def test_nearest_is_silent_about_names_that_are_far():
    assert nearest("qqqq", ["alpha", "beta"]) == " Known: alpha, beta."
    assert nearest("alpa", ["alpha", "beta"]).startswith(" Did you mean 'alpha'?")
