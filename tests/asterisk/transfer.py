"""What a phone does to hand a call over: REFER, or a second call and REFER with Replaces."""

from urllib.parse import quote

from tests.asterisk.host import Host
from tests.asterisk.scenario import Caller, Dialog, refer, trunk
from tests.asterisk.sip import Sipp, dialog_of_answered, dialog_of_placed


def blind(host: Host, phone: Sipp, to: str) -> Sipp:
    """The phone sends its call on to another extension."""
    dialog = dialog_of_answered(phone)
    return host.phone_places(refer(dialog, f"sip:{to}@127.0.0.1:{host.port}"), dialog.call_id)


def attended(host: Host, phone: Sipp, name: str, to: str, answer: str = "200") -> Sipp:
    """The phone asks a colleague first, on a second call, and joins the two at this answer: 180 is while it rings."""
    second = host.phone_places(trunk(Caller(to, user=name)))
    consultation = dialog_of_placed(second, answer)
    dialog = dialog_of_answered(phone)
    where = f"sip:{to}@127.0.0.1:{host.port}?Replaces={quote(_replaces(consultation), safe='')}"
    return host.phone_places(refer(dialog, where), dialog.call_id)


def _replaces(dialog: Dialog) -> str:
    return f"{dialog.call_id};to-tag={_tag(dialog.theirs)};from-tag={_tag(dialog.ours)}"


def _tag(header: str) -> str:
    return header.partition(";tag=")[2].partition(";")[0]
