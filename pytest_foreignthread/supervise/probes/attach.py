"""HotSpot's attach protocol, which jcmd speaks: it works while every Python thread is stuck.

A service thread of HotSpot answers on a UNIX socket. The answer leaves the child's stdout alone, unlike the thread dump
that SIGQUIT prints, and no `jcmd` is needed, which is part of a JDK and not of each JVM.
"""

from __future__ import annotations

import os
import signal
import socket
import stat
import time
from pathlib import Path

from ..process import processes

VM_THREAD = "VM Thread"
# HotSpot's own threads, which run no code of the test: a signal interrupts no system call that matters there.
_SERVICE_THREADS = (VM_THREAD, "Signal Dispatcher")
# Seconds. HotSpot answers in about 15 ms.
_POLL = 0.005
# Bytes. A test controls what listens on the socket, and thread names in the answer.
_LONGEST = 64 * 1024 * 1024
_NO_SOCKET = (
    "the JVM opened no attach socket in time: leave out -XX:+DisableAttachMechanism, if it was started with that"
)


class AttachError(Exception):
    """The JVM cannot be asked; the text says why."""


def service_thread(pid: int) -> int | None:
    """Return the kernel id of the HotSpot thread that a signal disturbs least; None if no JVM runs in the process."""
    ids = {name: tid for tid, name in processes.threads(pid).items()}
    return next((ids[name] for name in _SERVICE_THREADS if name in ids), None) if VM_THREAD in ids else None


def ask(pid: int, give_up: float, command: str, *arguments: str) -> str:
    """Send a command such as `threaddump` and return the answer; stop at `give_up` on the monotonic clock.

    Raise AttachError if there is no JVM, if it cannot be attached to, or if it does not answer in time.
    """
    thread = service_thread(pid)
    if thread is None:
        raise AttachError("no JVM was running")
    # By the root of the process: a child in a mount namespace of its own may have another /tmp.
    path = Path(f"/proc/{pid}/root/tmp/.java_pid{pid}")
    try:
        if not _is_socket(path):
            _make_it_listen(pid, thread, path, give_up)
        with socket.socket(socket.AF_UNIX) as connection:
            # The request: version 1 of the protocol, the command, and always three arguments.
            answer = _exchange(connection, path, give_up, ["1", command, *[*arguments, "", "", ""][:3]])
    except TimeoutError:
        raise AttachError("the JVM did not answer in time") from None
    except OSError as error:
        raise AttachError(f"the JVM could not be asked: {error}") from error
    code, line_end, text = answer.decode("utf-8", "replace").partition("\n")
    # HotSpot writes the code and a newline first, and ends each line that it prints; a refusal need not be a line.
    if not line_end or (code == "0" and not text.endswith("\n")):
        raise AttachError(f"the JVM ended in the middle of its answer to {command}, after {len(answer)} bytes")
    if code != "0":
        raise AttachError(f"the JVM refused {command}: {code} {text[:200]}".rstrip())
    return text


def _is_socket(path: Path) -> bool:
    # lstat(): a link that a test has put there is no socket of HotSpot's.
    try:
        return stat.S_ISSOCK(path.lstat().st_mode)
    except OSError:
        return False


def _make_it_listen(pid: int, thread: int, path: Path, give_up: float) -> None:
    if not processes.has_signal(pid, thread, "SigCgt", signal.SIGQUIT):
        raise AttachError("the JVM does not take SIGQUIT (it is starting, or was started with -Xrs)")
    # The JVM listens after a SIGQUIT only if it finds this file; without it SIGQUIT prints a thread dump to stdout.
    # HotSpot looks for the file in its current directory first, which is the user's and stays clean, then in /tmp.
    trigger = Path(f"/proc/{pid}/root/tmp/.attach_pid{pid}")
    # A file that is there already is not HotSpot's, which only looks for it. It may be a link that a test has made.
    trigger.unlink(missing_ok=True)
    # mknod() opens nothing that a signal handler which raises could leave open. It fails if the name exists again.
    os.mknod(trigger, stat.S_IFREG | 0o600)
    try:
        # To one thread: a signal sent to the process may interrupt the system call that the test hangs in, and so end
        # the hang.
        processes.signal_thread(pid, thread, signal.SIGQUIT)
        while not _is_socket(path):
            if time.monotonic() >= give_up:
                raise AttachError(_NO_SOCKET)
            time.sleep(_POLL)
    finally:
        trigger.unlink(missing_ok=True)


def _exchange(connection: socket.socket, path: Path, give_up: float, words: list[str]) -> bytes:
    def in_time() -> socket.socket:
        left = give_up - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        return connection

    in_time().connect(str(path))
    in_time().sendall(b"".join(word.encode() + b"\0" for word in words))
    answer = bytearray()
    while piece := in_time().recv(65536):
        answer += piece
        if len(answer) > _LONGEST:
            raise AttachError(f"the JVM's answer has more than {_LONGEST} bytes")
    return bytes(answer)
