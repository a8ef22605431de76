"""The handlers of POST /api/callevent/{start,dial,hangup} and of the queue that they fill."""

from smart_redirect.bootstrap.callevent import EventsHandler, QueueHandler

handler = EventsHandler()
queue_handler = QueueHandler()
