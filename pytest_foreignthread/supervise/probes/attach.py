"""HotSpot's attach protocol, as jcmd speaks it: questions to a JVM that works while every Python thread is stuck."""

from __future__ import annotations

import os
import signal
import socket
import stat
import time
from pathlib import Path

from ..process import processes

VM_THREAD = "VM Thread"
_SERVICE_THREADS = (VM_THREAD, "Signal Dispatcher")
_POLL = 0.005
_LONGEST = 64 * 1024 * 1024
_NO_SOCKET = (
    "the JVM opened no attach socket in time: leave out -XX:+DisableAttachMechanism, if it was started with that"
)


class AttachError(Exception):
    """Why the JVM could not be asked; the text says it."""


def service_thread(pid: int) -> int | None:
    """Kernel id of a thread of HotSpot's own that a signal disturbs least; None where no JVM runs."""
    ids = {name: tid for tid, name in processes.threads(pid).items()}
    return next((ids[name] for name in _SERVICE_THREADS if name in ids), None) if VM_THREAD in ids else None


def ask(pid: int, give_up: float, command: str, *arguments: str) -> str:
    """Send a command such as `threaddump` and give the answer; at most until `give_up` on the monotonic clock.

    Raise AttachError when there is no JVM, when it may not be attached to, or when it does not answer in time.
    """
    thread = service_thread(pid)
    if thread is None:
        raise AttachError("no JVM was running")
    path = Path(f"/proc/{pid}/root/tmp/.java_pid{pid}")
    try:
        if not _is_socket(path):
            _make_it_listen(pid, thread, path, give_up)
        with socket.socket(socket.AF_UNIX) as connection:
            answer = _exchange(connection, path, give_up, ["1", command, *[*arguments, "", "", ""][:3]])
    except TimeoutError:
        raise AttachError("the JVM did not answer in time") from None
    except OSError as error:
        raise AttachError(f"the JVM could not be asked: {error}") from error
    code, _, text = answer.decode("utf-8", "replace").partition("\n")
    if code != "0":
        raise AttachError(f"the JVM refused {command}: {code} {text[:200]}".rstrip())
    return text


def _is_socket(path: Path) -> bool:
    try:
        return stat.S_ISSOCK(path.lstat().st_mode)
    except OSError:
        return False


def _make_it_listen(pid: int, thread: int, path: Path, give_up: float) -> None:
    if not processes.has_signal(pid, thread, "SigCgt", signal.SIGQUIT):
        raise AttachError("the JVM does not take SIGQUIT (it is starting, or was started with -Xrs)")
    # HotSpot looks in its current directory first, which is the user's, then in /tmp.
    trigger = Path(f"/proc/{pid}/root/tmp/.attach_pid{pid}")
    # What is there is not HotSpot's, which only reads it, and may be a link.
    trigger.unlink(missing_ok=True)
    os.close(os.open(trigger, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        # To one thread: sent to the process it could interrupt a system call of the thread whose hang is looked at.
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
