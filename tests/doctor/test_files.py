"""What the doctor reads in files: Asterisk's configuration as Asterisk reads it, and who may read a log."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.doctor import queues
from gateway.doctor.asterisk_conf import load, parse
from gateway.doctor.manager_conf import manager_user, ports, stamps_events
from gateway.doctor.queue_log import LogPlace, readers, unreadable

MANAGER = r"""
; a comment
[general]
enabled = yes   ; behind a value
port => 5040
timestampevents = yes
;-- over
[never]
lines --;
[base](!)
read = agent
writetimeout = 700
[one](base)
secret = with\;semicolon=and equals
write = agent , reporting
deny = 0.0.0.0/0.0.0.0
permit = 10.0.0.0/255.0.0.0,127.0.0.1/32
deny = 10.1.0.0/16
[one](+)
read = agent,call,system
#include "more.d/*.conf"
[broken
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Asterisk's configuration folder."""
    (tmp_path / "more.d").mkdir()
    (tmp_path / "more.d" / "two.conf").write_text("[two]\nread = all\nacl = office\n")
    (tmp_path / "manager.conf").write_text(MANAGER)
    return tmp_path


def test_manager_conf_is_read_as_asterisk_reads_it(folder: Path) -> None:
    """Templates, additions, includes and both kinds of comments count; the last of a key wins."""
    conf = load(folder, "manager.conf")
    assert conf is not None
    one, two = manager_user(conf, "one"), manager_user(conf, "two")
    assert one is not None
    assert two is not None
    assert (one.secret, one.write_timeout) == ("with;semicolon=and equals", 700)
    assert sorted(one.read) == ["agent", "call", "system"]
    assert sorted(one.write) == ["agent", "reporting"]
    assert two.may_see("call")
    assert ports(conf) == {5040, 5039}
    assert stamps_events(conf)
    assert manager_user(conf, "base") is manager_user(conf, "never") is manager_user(conf, "general") is None


@pytest.mark.parametrize(
    ("address", "permitted"),
    [("127.0.0.1", True), ("10.2.3.4", True), ("10.1.2.3", False), ("192.0.2.1", False), ("::1", True)],
)
def test_the_last_rule_that_fits_an_address_counts(folder: Path, address: str, permitted: bool) -> None:  # noqa: FBT001
    """Permit and deny are gone through in their order; an address that no rule is about may enter."""
    conf = load(folder, "manager.conf")
    assert conf is not None
    user = manager_user(conf, "one")
    assert user is not None
    assert user.permits(address) is permitted


def test_rules_in_another_file_are_not_guessed(folder: Path) -> None:
    """Where acl.conf has a say, whether an address may enter is not told."""
    conf = load(folder, "manager.conf")
    assert conf is not None
    user = manager_user(conf, "two")
    assert user is not None
    assert user.permits("127.0.0.1") is None


def test_a_file_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    """What cannot be read is None, and an include of it is passed over."""
    assert load(tmp_path, "manager.conf") is None
    (tmp_path / "manager.conf").write_text("#include nothing.conf\n#include manager.conf\n[a]\nread = all\n")
    assert load(tmp_path, "manager.conf") is not None


@given(st.text(alphabet="[]()+!;-=>#\\\n ab\0", max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    """Nothing in a file raises."""
    conf = parse(text)
    for name in conf.sections:
        manager_user(conf, name)
    queues.settings_of(conf)
    ports(conf)


def test_where_the_log_is(tmp_path: Path) -> None:
    """Astlogdir and queue_log_name say where the log is, and queue_log whether there is one."""
    (tmp_path / "asterisk.conf").write_text("[directories]\nastlogdir => /srv/log\n")
    (tmp_path / "logger.conf").write_text("[general]\nqueue_log_name = calls\nqueue_log = no\n")
    place = LogPlace(load(tmp_path, "asterisk.conf"), load(tmp_path, "logger.conf"))
    assert (place.path, place.is_off) == (Path("/srv/log/calls"), True)
    assert (LogPlace(None, None).path, LogPlace(None, None).is_off) == (None, False)


@pytest.fixture
def log() -> Iterator[Path]:
    """A log in a folder that everybody may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        path = folder / "queue_log"
        path.touch()
        yield path


@pytest.mark.parametrize(
    ("mode", "user", "groups", "readable"),
    [
        (0o644, 4242, set[int](), True),
        (0o640, 4242, set[int](), False),
        (0o640, 4242, {os.getgid()}, True),
        (0o600, os.getuid(), set[int](), True),
        (0o044, 0, set[int](), True),
    ],
)
def test_who_may_read_a_log(log: Path, mode: int, user: int, groups: set[int], readable: bool) -> None:  # noqa: FBT001
    """Owner, group and others are looked at as the kernel does, for a user who does not run the doctor."""
    log.chmod(mode)
    assert unreadable(log, (user, groups)) == (None if readable else log)


def test_a_folder_in_the_way_is_named(log: Path) -> None:
    """A folder that may not be entered is what is to be changed, not the file."""
    log.parent.chmod(0o700)
    assert unreadable(log, (4242, set())) == log.parent


def test_a_user_that_is_not_there_is_no_reader() -> None:
    """Without such a user the one who runs the doctor is asked."""
    assert readers("no-such-user") is None
    assert readers(None) is None
    found = readers("root")
    assert found is not None
    assert found[0] == 0


def test_settings_come_from_asterisk_too() -> None:
    """The answer to GetConfig gives what the file would, the last of a repeated line included."""
    fields = {
        "category-000000": "general",
        "line-000000-000000": "shared_lastcall=yes",
        "category-000001": "Support",
        "line-000001-000000": "wrapuptime=5",
        "line-000001-000001": "wrapuptime=7",
        "category-000002": "sales",
    }
    found = queues.settings_of_answer(fields)
    assert found == queues.QueueSettings(shared_lastcall=True, wrap_up={"support": 7, "sales": 0})
