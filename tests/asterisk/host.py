"""One Asterisk in its chroot, configured with the files of infra/asterisk, with phones and lines on free ports."""

import json
import re
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.asterisk import scenario
from tests.asterisk.chroot import Release, chroot
from tests.asterisk.sip import TRUNK_ADDRESS, Sipp, free_udp_port, wait_until

INFRA = Path(__file__).parents[2] / "infra" / "asterisk"
TOKEN = "token-of-0367"
LINE = "0001363"
PHONES = ("150", "151", "152")
FOLDERS = ("etc", "log", "spool", "events", "run", "db", "data", "share/sounds/en")
ASTERISK_CONF = {
    "astetcdir": "etc", "astvarlibdir": "data", "astdbdir": "db", "astkeydir": "data", "astdatadir": "share",
    "astagidir": "data", "astspooldir": "spool", "astrundir": "run", "astlogdir": "log",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dialect:
    """A folder of infra/asterisk, the one whose samples it shares, and how those write peers."""

    folder: str
    samples: str
    pjsip: bool = False


@dataclass(slots=True)
class Host:
    """A running Asterisk. `sipp` names the folder for the traces of the phones; use it inside start() and stop()."""

    release: Release
    dialect: Dialect
    sipp: Path
    extra: Mapping[str, str] = field(default_factory=dict)
    api_url: str = "http://127.0.0.1:9"
    token: str = TOKEN
    root: Path = Path()
    home: str = ""
    port: int = 0
    ports: dict[str, int] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None
    _running: list[Sipp] = field(default_factory=list)
    _seen: int = 0

    def start(self) -> "Host":
        self.root = chroot(self.release)
        self.home = f"/srv/test-{secrets.token_hex(4)}"
        self.port = free_udp_port()
        self.ports = {name: free_udp_port() for name in (*PHONES, "mobile")}
        for folder in FOLDERS:
            (self.path / folder).mkdir(parents=True)
        self._configure()
        # Asterisk looks its own host name up; where that fails, PJSIP does so again for every call.
        (self.root / "etc/hosts").write_text(f"127.0.0.1 localhost {socket.gethostname()}\n")
        self._boot()
        return self

    def restart(self) -> None:
        """Asterisk dies without a word and is started again."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
        (self.path / "run/asterisk.ctl").unlink(missing_ok=True)
        self._boot()

    def _boot(self) -> None:
        with (self.path / "console.log").open("ab") as console:
            self._process = subprocess.Popen(
                ["chroot", str(self.root), "/usr/sbin/asterisk", "-f", "-vvvvv", "-n", "-C", self._conf],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console,
            )  # fmt: skip
        try:
            wait_until((self.path / "run/asterisk.ctl").exists, 30, "Asterisk's socket")
            wait_until(self._is_booted, 60, "Asterisk fully booted")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        for sipp in self._running:
            sipp.stop()
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5)
        shutil.rmtree(self.path, ignore_errors=True)

    def reset(self) -> None:
        """Between tests: no phone, no call, no memory of earlier ones."""
        for sipp in self._running:
            sipp.stop()
        self._running.clear()
        if "0 active channels" not in self.cli("core show channels count"):
            self.cli("channel request hangup all")
            wait_until(lambda: "0 active channels" in self.cli("core show channels count"), 10, "no channel left")
        for file in (self.path / "events").glob("*.jsonl"):
            file.unlink()
        (self.path / "log/event.log").write_text("")
        self._seen = (self.path / "console.log").stat().st_size

    # What a test does with it.

    def call(self, caller: scenario.Caller, calls: int = 1) -> Sipp:
        """An incoming call on the trunk, or several at 10 a second (one sipp: no more than 50 find a media port)."""
        return self._sipp(scenario.trunk(caller), TRUNK_ADDRESS, free_udp_port(TRUNK_ADDRESS), calls=calls)

    def phone(self, name: str, script: bytes) -> Sipp:
        """A phone (or the mobile behind the second line) that behaves by a scenario."""
        return self._sipp(script, "127.0.0.1", self.ports[name])

    def phone_places(self, script: bytes, call_id: str | None = None) -> Sipp:
        """A request sent by a phone from a port of its own."""
        more = ["-cid_str", call_id] if call_id else []
        return self._sipp(script, "127.0.0.1", free_udp_port(), calls=1, more=more)

    def _is_booted(self) -> bool:
        """A console that connects very early may never be answered: ask again on another one."""
        try:
            return "fully booted" in self.cli("core waitfullybooted", timeout=5)
        except subprocess.TimeoutExpired:
            return False

    def cli(self, command: str, timeout: float = 15) -> str:
        done = subprocess.run(
            ["chroot", str(self.root), "/usr/sbin/asterisk", "-C", self._conf, "-rx", command],
            capture_output=True, check=False, timeout=timeout,
        )  # fmt: skip
        return done.stdout.decode(errors="replace")

    # What it left behind.

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def path(self) -> Path:
        return self.root / self.home.lstrip("/")

    def events(self) -> list[dict[str, Any]]:
        files = sorted((self.path / "events").glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def hangup_event(self, timeout: float = 15) -> dict[str, Any]:
        """The end of the one inbound call of this test."""

        def ended() -> list[dict[str, Any]]:
            return [e for e in self.events() if e["Event"] == "hangup" and e["CallType"] == "0"]

        wait_until(lambda: bool(ended()), timeout, "a hangup event")
        return ended()[0]

    def event_log(self) -> str:
        return (self.path / "log/event.log").read_text(errors="replace")

    def console(self) -> str:
        """What Asterisk logged, at verbosity 5, since the test began."""
        text = (self.path / "console.log").read_bytes()[self._seen :].decode(errors="replace")
        return re.sub(r"\x1b\[[0-9;]*m", "", text)

    # How it is set up.

    @property
    def _conf(self) -> str:
        return f"{self.home}/etc/asterisk.conf"

    def _sipp(self, script: bytes, address: str, port: int, calls: int = 0, more: Sequence[str] = ()) -> Sipp:
        arguments = ["-i", address, "-p", str(port), *more, f"127.0.0.1:{self.port}"]
        limit = ["-m", str(calls)] if calls else []
        sipp = Sipp(self.sipp / secrets.token_hex(4), script, [*limit, *arguments])
        self._running.append(sipp)
        return sipp

    def _configure(self) -> None:
        etc = self.path / "etc"
        for folder in ("common", self.dialect.samples, self.dialect.folder):
            for file in (INFRA / folder).glob("*.conf"):
                shutil.copy(file, etc)
        # Asterisk does not start without its documentation. The greeting is a second of silence, in G.711.
        (self.path / "share/documentation").symlink_to("/usr/share/asterisk/documentation")
        (self.path / "share/sounds/en/greeting.ulaw").write_bytes(b"\xff" * 8_000)
        for name, text in {**self._files(), **self.extra}.items():
            (etc / name).write_text(text)

    def _files(self) -> dict[str, str]:
        modules = next(self.root.glob("usr/lib/**/asterisk/modules")).relative_to(self.root)
        folders = {key: f"{self.home}/{folder}" for key, folder in ASTERISK_CONF.items()}
        lines = [f"{key} => {value}" for key, value in {**folders, "astmoddir": f"/{modules}"}.items()]
        return {
            "asterisk.conf": "\n".join(["[directories]", *lines, ""]),
            "modules.conf": "[modules]\nautoload=yes\n",
            "smart_redirect_globals.conf": self._globals(),
            **(self._pjsip_peers() if self.dialect.pjsip else self._sip_peers()),
        }

    def _globals(self) -> str:
        return (
            f"API_URL={self.api_url}\nAPI=api/callevent/getcustomerdata\nID_TOKEN={self.token}\n"
            f"EVENT_LOG={self.home}/log/event.log\nEVENT_SPOOL={self.home}/events\n"
        )

    def _sip_peers(self) -> dict[str, str]:
        peers = [f"[general](+)\nudpbindaddr=127.0.0.1:{self.port}\n[{LINE}](line)\nhost={TRUNK_ADDRESS}\n"]
        peers.append(f"[0001366](line)\nhost=127.0.0.1\nport={self.ports['mobile']}\n")
        peers += [f"[{name}](phone)\nhost=127.0.0.1\nport={self.ports[name]}\n" for name in PHONES]
        return {"sip_peers.conf": "\n".join(peers)}

    def _pjsip_peers(self) -> dict[str, str]:
        peers = [f"[transport-udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:{self.port}\n"]
        peers.append(f"[{LINE}](line)\n[{LINE}]\ntype=identify\nendpoint={LINE}\nmatch={TRUNK_ADDRESS}\n")
        devices = {"0001366": ("line", "mobile"), **{name: ("phone", name) for name in PHONES}}
        for name, (template, port) in devices.items():
            contact = f"sip:127.0.0.1:{self.ports[port]}"
            peers.append(f"[{name}]({template})\naors={name}\n[{name}]\ntype=aor\ncontact={contact}\n")
        return {"pjsip_peers.conf": "\n".join(peers)}
