"""What code that people wrote might try: every attempt, carried out in a process of its own and told as JSON.

    python attempts.py FACTS [confined]

`FACTS` is a JSON object of paths, ports and processes. An attempt that is refused raises.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tenfold.adapters.confinement.process import confine
from tenfold.core.jobs.confinement import Limits, Reach

ATTEMPTS: dict[str, Callable[[Any], object]] = {}
LIBC = ctypes.CDLL(None, use_errno=True)


def attempt(name: str) -> Callable[[Callable[[Any], object]], Callable[[Any], object]]:
    def add(act: Callable[[Any], object]) -> Callable[[Any], object]:
        ATTEMPTS[name] = act
        return act

    return add


def called(name: str, *arguments: object) -> int:
    """A function of the C library; raises `OSError`."""
    result = int(getattr(LIBC, name)(*arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def has(condition: object) -> None:
    if not condition:
        raise PermissionError


@attempt("read the passwords of the system")
def read_passwords(at: Any) -> object:
    return Path("/etc/passwd").read_bytes(), Path("/etc/shadow").read_bytes()


@attempt("read the database")
def read_database(at: Any) -> object:
    return Path(at.database).read_bytes()


@attempt("read the folder of another job")
def read_another_job(at: Any) -> object:
    return Path(at.other_job, "spec.json").read_bytes()


@attempt("list the data folder")
def list_data(at: Any) -> object:
    return [*Path(at.database).parent.iterdir()]


@attempt("read the database through one's own root")
def read_through_root(at: Any) -> object:
    return Path(f"/proc/self/root{at.database}").read_bytes()


@attempt("read the environment of the process that started it")
def read_environment_of_another(at: Any) -> object:
    return Path(f"/proc/{at.victim}/environ").read_bytes()


@attempt("read the environment that it was started with itself")
def read_own_environment(at: Any) -> object:
    has("TENFOLD_TOKEN" in os.environ or b"hush" in Path("/proc/self/environ").read_bytes())
    return True


@attempt("write beside its folder")
def write_outside(at: Any) -> object:
    return Path(at.other_job, "new").write_bytes(b"here")


@attempt("write its own specification")
def write_own_specification(at: Any) -> object:
    return Path(at.own_job, "spec.json").write_bytes(b"{}")


@attempt("cut the database off")
def truncate_database(at: Any) -> object:
    return os.truncate(at.database, 1 << 12)


@attempt("change the mode of the database")
def change_mode(at: Any) -> object:
    return Path(at.database).chmod(0o666)


@attempt("set flags of what it may only read")
def set_flags_of_open(at: Any) -> object:
    handle = os.open(Path(at.own_job, "spec.json"), os.O_RDONLY)
    no_dump = (0x40).to_bytes(8, "little")
    return fcntl.ioctl(handle, 0x40086602, no_dump)


@attempt("call what only newer kernels have")
def set_attributes(at: Any) -> object:
    return called(
        "syscall", 469, -100, str(Path(at.own_job, "spec.json")).encode(), ctypes.create_string_buffer(24), 24, 0
    )


@attempt("change the mode of what it may only read")
def change_mode_of_open(at: Any) -> object:
    handle = os.open(Path(at.own_job, "spec.json"), os.O_RDONLY)
    return os.fchmod(handle, 0o600)


@attempt("leave a link to the database in its folder")
def symbolic_link(at: Any) -> object:
    return Path(at.writable, "link").symlink_to(at.database)


@attempt("leave a hard link to the database in its folder")
def hard_link(at: Any) -> object:
    return Path(at.writable, "hard").hardlink_to(at.database)


@attempt("leave a pipe in its folder for the server to hang on")
def pipe(at: Any) -> object:
    return os.mkfifo(Path(at.writable, "pipe"))


@attempt("write through a link that lies in its folder")
def write_through_link(at: Any) -> object:
    return Path(at.writable, "planted").write_bytes(b"gone")


@attempt("move another job's file into its folder")
def move_in(at: Any) -> object:
    return Path(at.other_job, "movable").rename(Path(at.writable, "moved"))


@attempt("connect to a port of this machine")
def connect(at: Any) -> object:
    with socket.create_connection(("127.0.0.1", at.tcp), timeout=5):
        return True


@attempt("send over UDP")
def send(at: Any) -> object:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        return out.sendto(b"x", ("127.0.0.1", at.udp))


@attempt("connect to a socket in the file system")
def connect_by_path(at: Any) -> object:
    with socket.socket(socket.AF_UNIX) as out:
        return out.connect(at.unix)


@attempt("connect to a socket in the abstract")
def connect_abstract(at: Any) -> object:
    with socket.socket(socket.AF_UNIX) as out:
        return out.connect(f"\0{at.abstract}")


@attempt("open a ring of requests to the kernel")
def ring(at: Any) -> object:
    return os.close(called("syscall", 425, 4, ctypes.create_string_buffer(120)))


@attempt("signal the process that started it")
def signal_another(at: Any) -> object:
    return os.kill(at.victim, 0), os.kill(at.victim, signal.SIGCONT)


@attempt("signal another by way of a file")
def signal_by_file(at: Any) -> object:
    here, there = os.pipe()
    fcntl.fcntl(here, fcntl.F_SETOWN, at.victim)
    return os.close(here), os.close(there)


@attempt("trace the process that started it")
def trace(at: Any) -> object:
    called("ptrace", 16, at.victim, None, None)
    os.waitpid(at.victim, 0)
    return called("ptrace", 17, at.victim, None, None)


@attempt("take over a file that another has open")
def take_file(at: Any) -> object:
    held = os.pidfd_open(at.victim)
    return os.close(called("syscall", 438, held, 0, 0))


@attempt("limit another process")
def limit_another(at: Any) -> object:
    return resource.prlimit(at.victim, resource.RLIMIT_NOFILE)


@attempt("start another process")
def fork(at: Any) -> object:
    for _ in range(3):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)
    return True


@attempt("run a program")
def run_program(at: Any) -> object:
    return subprocess.run(["/bin/true"], check=True)


@attempt("outlive the process that keeps it")
def outlive(at: Any) -> object:
    return called("prctl", 1, 0, 0, 0, 0)


@attempt("make namespaces of its own")
def unshare(at: Any) -> object:
    return called("unshare", 0x10000000)


def main() -> None:
    at = type("Facts", (), json.loads(sys.argv[1]))
    if sys.argv[2:] == ["confined"]:
        found = confine(Reach(read=(Path(at.own_job),), write=(Path(at.writable),)), Limits()).to_json()
    else:
        found = {"level": "none"}
    told: dict[str, str] = {}
    for name, act in ATTEMPTS.items():
        try:
            act(at)
            told[name] = "done"
        except OSError as error:
            told[name] = f"refused: {type(error).__name__}"
    Path(at.writable, "own").write_bytes(b"mine")
    print(json.dumps({"confinement": found, "attempts": told, "reads": Path(at.own_job, "spec.json").read_text()}))


if __name__ == "__main__":
    main()
