"""Writes sipp scenarios: the caller's trunk, the phones that answer, and the REFER of a phone that transfers."""

from dataclasses import dataclass
from string import Template

FOREVER_MS = 600_000

SDP = """v=0
o=test 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""
OK_TO_REQUEST = """
  <send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
"""
SAVE_INVITE = """
  <recv request="INVITE"><action>
    <ereg regexp=".*" search_in="hdr" header="Via:" assign_to="via"/>
    <ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>
    <ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>
    <ereg regexp=".*" search_in="hdr" header="CSeq:" assign_to="cseq"/>
    <ereg regexp="sip:[^ &gt;;]*" search_in="hdr" header="Contact:" assign_to="target"/>
  </action></recv>
"""
# How a phone answers the INVITE that it saved, once for each status.
REPLY = Template("""
  <send$retrans><![CDATA[
SIP/2.0 $status
Via: [$$via]
From: [$$from]
To: [$$to];tag=phone-[call_number]-[pid]
[last_Call-ID:]
CSeq: [$$cseq]
Contact: <sip:[local_ip]:[local_port]>
$body
]]></send>
""")
NO_BODY = "Content-Length: 0\n"
WITH_SDP = f"Content-Type: application/sdp\nContent-Length: [len]\n\n{SDP}"


@dataclass(frozen=True, slots=True)
class Caller:
    """How a call comes in on the line: From as it stands on the wire, and when the caller hangs up."""

    line: str
    display: bytes = b""
    user: str = "375291112233"
    hangs_up_ms: int = FOREVER_MS


def _reply(status: str, body: str = NO_BODY) -> str:
    return REPLY.substitute(status=status, body=body, retrans=' retrans="500"' if body != NO_BODY else "")


def _document(body: str, variables: str = "") -> str:
    reference = f'<Reference variables="{variables}"/>' if variables else ""
    return f'<?xml version="1.0" encoding="us-ascii"?>\n<scenario name="test">\n{body}\n{reference}\n</scenario>\n'


def _bye(from_: str, to: str, target: str) -> str:
    return f"""
  <send retrans="500"><![CDATA[
BYE {target} SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: {from_}
To: {to}
Call-ID: [call_id]
CSeq: 900 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="200" crlf="true"/>
"""


def _until_bye(after_ms: int, own_bye: str) -> str:
    """Talk until the other side hangs up, or for so long."""
    return f"""
  <recv request="BYE" timeout="{after_ms}" ontimeout="hang_up"/>
  {OK_TO_REQUEST}
  <nop next="done"/>
  <label id="hang_up"/>
  {own_bye}
  <label id="done"/>
"""


def trunk(caller: Caller) -> bytes:
    """One incoming call, which Asterisk answers; ends with a BYE of either side."""
    invite = f"""
  <send retrans="500"><![CDATA[
INVITE sip:{caller.line}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: @@DISPLAY@@<sip:{caller.user}@[local_ip]:[local_port]>;tag=trunk-[call_number]-[pid]
To: <sip:{caller.line}@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:[local_ip]:[local_port]>
Max-Forwards: 70
{WITH_SDP}
]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="183" optional="true"/>
  <recv response="200"><action>
    <ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>
    <ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>
    <ereg regexp="sip:[^ &gt;;]*" search_in="hdr" header="Contact:" assign_to="target"/>
  </action></recv>
  <send><![CDATA[
ACK [$target] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: [$from]
To: [$to]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
"""
    talk = _until_bye(caller.hangs_up_ms, _bye("[$from]", "[$to]", "[$target]"))
    return _document(invite + talk).encode().replace(b"@@DISPLAY@@", caller.display)


def answering_phone(answers_ms: int, hangs_up_ms: int = FOREVER_MS) -> bytes:
    """Rings, answers after so long unless the ringing stops, then talks."""
    tag = "tag=phone-[call_number]-[pid]"
    body = f"""
  {SAVE_INVITE}
  {_reply("180 Ringing")}
  <recv request="CANCEL" timeout="{answers_ms}" ontimeout="answer"/>
  {OK_TO_REQUEST}
  {_reply("487 Request Terminated")}
  <recv request="ACK" next="done"/>
  <label id="answer"/>
  {_reply("200 OK", WITH_SDP)}
  <recv request="ACK"/>
  {_until_bye(hangs_up_ms, _bye(f"[$to];{tag}", "[$from]", "[$target]"))}
"""
    return _document(body, "via,from,to,cseq,target").encode()


def refusing_phone(status: str) -> bytes:
    """Says busy, or declines."""
    body = f"{SAVE_INVITE}{_reply(status)}<recv request='ACK'/>"
    return _document(body, "via,from,to,cseq,target").encode()


@dataclass(frozen=True, slots=True)
class Dialog:
    """One side of a dialog with Asterisk: what a request inside it has to say."""

    call_id: str
    ours: str
    theirs: str
    target: str


def refer(dialog: Dialog, refer_to: str) -> bytes:
    """A transfer, sent from another port inside the phone's dialog."""
    body = f"""
  <send retrans="500"><![CDATA[
REFER {dialog.target} SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: {dialog.ours}
To: {dialog.theirs}
Call-ID: [call_id]
CSeq: 500 REFER
Contact: <sip:[local_ip]:[local_port]>
Refer-To: <{refer_to}>
Referred-By: <sip:phone@[local_ip]>
Max-Forwards: 70
Content-Length: 0

]]></send>
  <recv response="202"/>
  <label id="more"/>
  <recv request="NOTIFY" timeout="1500" ontimeout="done"/>
  {OK_TO_REQUEST}
  <nop next="more"/>
  <label id="done"/>
"""
    return _document(body).encode()
