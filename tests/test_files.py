import os
import stat

import pytest

from hrm_course.files import write, write_together


def test_text_and_bytes_arrive_as_they_are(tmp_path):
    write(tmp_path / "new" / "a.txt", "ü\n")
    write(tmp_path / "b", b"\x00\r\n")
    assert (tmp_path / "new" / "a.txt").read_bytes() == "ü\n".encode()
    assert (tmp_path / "b").read_bytes() == b"\x00\r\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such bits")
def test_others_may_read_what_the_umask_lets_them(tmp_path):
    before = os.umask(0o022)
    try:
        write(tmp_path / "a", "x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o644


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_costs_nothing_and_is_told(tmp_path, monkeypatch, step):
    write(tmp_path / "a", "old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="a can't be written: No space left on device"):
        write(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old" and os.listdir(tmp_path) == ["a"]


def test_an_interruption_leaves_the_old_file_alone(tmp_path, monkeypatch):
    write(tmp_path / "a", "old")

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path / "a", "new")
    assert (tmp_path / "a").read_text() == "old" and os.listdir(tmp_path) == ["a"]


def test_several_files_appear_together_or_not_at_all(tmp_path, monkeypatch):
    write_together((tmp_path / name, "old") for name in "ab")
    sync, calls = os.fsync, []

    def full_at_the_second(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full_at_the_second)
    with pytest.raises(OSError, match="b can't be written: No space left on device"):
        write_together((tmp_path / name, "new") for name in "abc")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"a": "old", "b": "old"}
