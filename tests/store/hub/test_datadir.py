from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mailhub.model.mail import AccountId
from mailhub.store.hub import datadir
from mailhub.store.hub.datadir import DataDir
from mailhub.store.hub.errors import DataDirInUse, UnusableDataDir

SERVER = """
import sys
from pathlib import Path
from mailhub.store.hub.datadir import DataDir
lock = DataDir(Path(sys.argv[1])).claim_server()
print("claimed", flush=True)
sys.stdin.read()
"""


def test_a_second_server_is_refused_and_told_of_the_first(data: DataDir) -> None:
    lock = data.claim_server()
    assert data.is_served()
    with pytest.raises(DataDirInUse, match=r"process \d+"):
        data.claim_server()
    lock.release()
    lock.release()
    assert not data.is_served()
    data.claim_server().release()


def test_the_directory_of_a_killed_server_is_free(data: DataDir) -> None:
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(data.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with server:
        assert server.stdout
        assert server.stdout.readline() == b"claimed\n"
        with pytest.raises(DataDirInUse, match=f"process {server.pid}"):
            data.claim_server()
        server.kill()
        server.wait()
        assert not data.is_served()
        data.claim_server().release()


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datadir, "file_system", lambda path: "nfs4")
    with pytest.raises(UnusableDataDir, match="nfs4"):
        DataDir(tmp_path).prepare()


def test_the_kernel_tells_the_file_system(tmp_path: Path) -> None:
    assert datadir.file_system(Path("/proc")) == "proc"
    assert datadir.file_system(tmp_path) not in datadir.NETWORK_FILE_SYSTEMS


def test_mail_without_a_hub_is_refused_instead_of_starting_empty(data: DataDir) -> None:
    file = data.account_file(AccountId("abcd"))
    file.parent.mkdir()
    file.touch()
    with pytest.raises(UnusableDataDir, match=r"hub\.db"):
        data.prepare()


def test_a_directory_that_was_never_set_up_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnusableDataDir, match="no mailhub data directory"):
        DataDir(tmp_path / "typo").check()
    assert not (tmp_path / "typo").exists()


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(UnusableDataDir, match="data"):
        DataDir(tmp_path / "data").prepare()


def test_nobody_else_can_look_into_it(data: DataDir) -> None:
    assert data.path.stat().st_mode & 0o777 == 0o700


def test_account_files_are_spread_over_folders(data: DataDir) -> None:
    path = data.account_file(AccountId("abcdef"))
    assert path.relative_to(data.path) == Path("accounts/ab/abcdef.db")
