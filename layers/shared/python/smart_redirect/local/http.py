"""uvicorn's HTTP protocol with two changes: it notes a request's first byte, and hosts survive its own 400."""

import time
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from smart_redirect.domain.reply import NOTHING
from smart_redirect.web.getcustomerdata import BODY_CAME, FIRST_BYTE

_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n" + (
    b"content-length: %d\r\n\r\n%b" % (len(NOTHING), NOTHING)
)


class CallPathProtocol(HttpToolsProtocol):
    """The old macro reads any body of 30 bytes or more as a reply: uvicorn's own error text has exactly 30."""

    def on_message_begin(self) -> None:
        """Start the budget of the request."""
        super().on_message_begin()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[FIRST_BYTE] = time.monotonic()

    def on_message_complete(self) -> None:
        """Say that the body has come: reading it needs no timer then, which is the case of nearly every call."""
        super().on_message_complete()
        scope: dict[str, Any] = self.scope  # type: ignore[assignment]
        scope[BODY_CAME] = True

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP; the text goes to no host."""
        self.logger.debug("refused a request that is not HTTP: %s", msg)
        self.transport.write(_BAD_REQUEST)
        self.transport.close()
