"""The handlers of POST /api/callevent/{start,dial,hangup} and of the queue that they fill."""

from smart_redirect.bootstrap.callevent import EventsHandler, QueueHandler
from smart_redirect.bootstrap.structured_log import Correlated

handler = Correlated(EventsHandler())
queue_handler = Correlated(QueueHandler())
