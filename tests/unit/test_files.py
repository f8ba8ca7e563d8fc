"""A kill leaves the old state or the new one."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from pipelines.errors import WarehouseBusy
from pipelines.files import (
    KEY_TWICE,
    canonical_json,
    exclusive_lock,
    folder_digest,
    folder_in_place,
    pretty_json,
    read_yaml,
    sha256_bytes,
    sha256_file,
    write_atomically,
)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "a.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, b"old")

    def refuse(self: Path, target: Path) -> Path:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_digest_of_a_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    raw = b"x" * (1 << 20) + b"y"
    (tmp_path / "a").write_bytes(raw)
    assert sha256_file(tmp_path / "a") == sha256_bytes(raw)


def test_a_folders_digest_sees_bytes_and_names_but_no_order(tmp_path: Path) -> None:
    first, second, other = tmp_path / "first", tmp_path / "second", tmp_path / "other"
    for folder, names in ((first, "ab"), (second, "ba"), (other, "ac")):
        (folder / "deep").mkdir(parents=True)
        for name in names:
            (folder / "deep" / name).write_text("same")
    assert folder_digest(first) == folder_digest(second)
    assert folder_digest(first) != folder_digest(other)
    before = folder_digest(first)
    (first / "deep" / "a").write_text("changed")
    assert folder_digest(first) != before


def test_json_is_the_same_text_for_the_same_value() -> None:
    assert canonical_json({"b": [1, 2], "a": "ø"}) == '{"a":"ø","b":[1,2]}'
    assert pretty_json({"b": 1, "a": 2}) == '{\n  "a": 2,\n  "b": 1\n}\n'


def test_a_folder_takes_the_others_place_or_nothing_happens(tmp_path: Path) -> None:
    target = tmp_path / "candidate"
    with folder_in_place(target) as temporary:
        (temporary / "a").write_text("first")
    with folder_in_place(target) as temporary:
        (temporary / "b").write_text("second")
    assert [path.name for path in target.iterdir()] == ["b"]

    with pytest.raises(RuntimeError), folder_in_place(target) as temporary:
        (temporary / "c").write_text("third")
        raise RuntimeError
    assert [path.name for path in target.iterdir()] == ["b"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_lock_is_held_by_one_and_freed_after(tmp_path: Path) -> None:
    lock = tmp_path / ".lock"
    busy = pytest.raises(WarehouseBusy, match="building")
    with exclusive_lock(lock, doing="building"), busy, exclusive_lock(lock, doing="building"):
        raise AssertionError("two hold the lock")
    with exclusive_lock(lock, doing="building"):
        assert lock.exists()


@pytest.mark.parametrize("text", ["a: 1\na: 2\n", "m:\n  '9901': {x: 1}\n  '9901': {x: 2}\n", "- {k: 1, k: 1}\n"])
def test_a_key_that_is_stated_twice_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError, match=KEY_TWICE):
        read_yaml(text)


def test_yaml_keeps_merged_keys_and_plain_values() -> None:
    assert read_yaml("a: &a {x: 1}\nb:\n  <<: *a\n  x: 2\nc: '01'\n") == {"a": {"x": 1}, "b": {"x": 2}, "c": "01"}
