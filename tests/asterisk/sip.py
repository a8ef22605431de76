"""Runs sipp: a trunk that calls, phones that ring; and reads the messages that they exchanged."""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.asterisk import scenario

TRUNK_ADDRESS = "127.0.0.2"
BLOCK = re.compile(rb"^-{20,} (\d{4}-\d\d-\d\d[ T\t]\d\d:\d\d:\d\d\.\d+)[^\n]*\n", re.MULTILINE)


def free_udp_port(address: str = "127.0.0.1") -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Message:
    """One SIP message as a sipp saw it."""

    at: float
    sent: bool
    text: str

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0].strip()

    def header(self, name: str) -> str:
        found = re.search(rf"^{name}:[ \t]*(.*?)\r?$", self.text, re.MULTILINE | re.IGNORECASE)
        assert found, f"no {name} in {self.text}"
        return found[1]


class Sipp:
    """One running sipp with its scenario, and the trace of its messages."""

    def __init__(self, folder: Path, script: bytes, arguments: list[str]) -> None:
        folder.mkdir(parents=True)
        (folder / "scenario.xml").write_bytes(script)
        self._trace = folder / "messages.log"
        program = shutil.which("sipp") or "sipp"
        common = ["-sf", "scenario.xml", "-trace_msg", "-message_file", "messages.log", "-nostdin", "-nd"]
        with (folder / "output.log").open("wb") as output:
            self._process = subprocess.Popen([program, *common, *arguments], cwd=folder, stdout=output, stderr=output)

    def messages(self) -> list[Message]:
        raw = self._trace.read_bytes() if self._trace.exists() else b""
        parts = BLOCK.split(raw)[1:]
        return [_message(parts[i], parts[i + 1]) for i in range(0, len(parts), 2)]

    def wait_for(self, start: str, *, sent: bool = False, timeout: float = 10) -> Message:
        """The first message whose first line starts so."""

        def found() -> list[Message]:
            return [m for m in self.messages() if m.sent is sent and m.first_line.startswith(start)]

        wait_until(lambda: bool(found()), timeout, f"{start} {'sent' if sent else 'received'}")
        return found()[0]

    def received(self, start: str) -> list[Message]:
        return [m for m in self.messages() if not m.sent and m.first_line.startswith(start)]

    def wait(self, timeout: float = 20) -> int:
        return self._process.wait(timeout)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(5)


def _message(stamp: bytes, block: bytes) -> Message:
    head, _, text = block.partition(b"\n\n")
    at = datetime.fromisoformat(stamp.decode().replace("\t", " ")).timestamp()
    return Message(at=at, sent=b"sent" in head, text=text.decode(errors="replace"))


def wait_until(condition: Callable[[], bool], timeout: float, what: str) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"not in {timeout} s: {what}"
        time.sleep(0.02)


def dialog_of_answered(phone: Sipp) -> scenario.Dialog:
    """The dialog of a call that this phone answered."""
    invite, ok = phone.wait_for("INVITE"), phone.wait_for("SIP/2.0 200", sent=True)
    return scenario.Dialog(
        call_id=invite.header("Call-ID"),
        ours=ok.header("To"),
        theirs=ok.header("From"),
        target=invite.header("Contact").strip("<>"),
    )


def dialog_of_placed(phone: Sipp, answer: str) -> scenario.Dialog:
    """The dialog of a call that this phone placed, as it is at this answer."""
    reply = phone.wait_for(f"SIP/2.0 {answer}")
    return scenario.Dialog(
        call_id=reply.header("Call-ID"),
        ours=reply.header("From"),
        theirs=reply.header("To"),
        target=reply.header("Contact").strip("<>"),
    )
