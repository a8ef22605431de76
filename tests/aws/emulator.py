"""One function under the Lambda runtime interface emulator that SAM CLI brings, with awslambdaric, Lambda's own client.

Python runs without site-packages: what the bundle and the runtime do not hold is not there.
"""

import http.client
import json
import os
import platform
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from smart_redirect.local.embedded import free_port
from tests.aws.bundle import ROOT, RUNTIME, Function, interpreter

NAME = f"aws-lambda-rie-{'arm64' if platform.machine() == 'aarch64' else 'x86_64'}"
EMULATOR = next((ROOT / ".venv-aws" / "lib").glob(f"python*/site-packages/samcli/local/rapid/{NAME}"), None)
PATH = "/2015-03-31/functions/function/invocations"
INTERPRETER = interpreter()


class Emulator:
    """Starts the function's process at the first event, as Lambda does; one event at a time (two crash it)."""

    def __init__(self, function: Function, variables: dict[str, str], *, handler: str = "") -> None:
        self._function = function
        self._given = variables
        self._handler = handler or function.handler
        self._lock = threading.Lock()
        self._port = free_port()
        self._opt = tempfile.TemporaryDirectory(prefix="opt-")
        self._python = function.merge_layers(Path(self._opt.name))
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  open as long as the process
        self._process: subprocess.Popen[bytes] | None = None
        self._client: http.client.HTTPConnection | None = None

    def __enter__(self) -> Self:
        at, api = f"127.0.0.1:{self._port}", f"127.0.0.1:{free_port()}"
        command = [str(EMULATOR), "--runtime-interface-emulator-address", at, "--runtime-api-address", api]
        command += ["--log-level", "error", str(INTERPRETER), "-S", "-m", "awslambdaric", self._handler]
        self._process = subprocess.Popen(
            command, cwd=self._function.code, env=self._environment(), stdout=self._log, stderr=self._log
        )
        self._connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            self._client.close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=10)
        self._log.close()
        self._opt.cleanup()

    def invoke(self, event: dict[str, Any]) -> Any:
        """Return what the handler returned, or {"errorMessage": …} when it raised."""
        if self._client is None:
            raise RuntimeError("the emulator is entered first")
        with self._lock:
            self._client.request("POST", PATH, json.dumps(event))
            return json.loads(self._client.getresponse().read())

    def freeze(self) -> None:
        """Stop the function's process, as Lambda does between events."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, means: signal.Signals) -> None:
        pid = self._process.pid if self._process else 0
        children = [
            child for each in Path(f"/proc/{pid}/task").glob("*/children") for child in each.read_text().split()
        ]
        if not children:
            raise RuntimeError("the function's process is gone")
        for child in children:
            os.kill(int(child), means)

    def output(self) -> str:
        """Return what the function and the emulator have written so far."""
        at = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), at, 0).decode()

    def _environment(self) -> dict[str, str]:
        places = [self._function.code, self._python, RUNTIME]
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": ":".join(str(each) for each in places),
            "LAMBDA_TASK_ROOT": str(self._function.code),
            "AWS_LAMBDA_FUNCTION_NAME": self._function.name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self._function.timeout),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "TZ": ":UTC",
            **self._function.variables,
            **self._given,
        }

    def _connect(self) -> None:
        deadline = time.monotonic() + 10
        while self._client is None:
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                self._client = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
            except OSError:
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the emulator did not start: {self.output()}") from None
                time.sleep(0.001)
