"""The handlers of the dialplan: HTTP for hosts and the operator, the queue of changes, and the sweep."""

from smart_redirect.bootstrap.dialplan_regenerate import HttpHandler, QueueHandler, ScheduleHandler
from smart_redirect.bootstrap.structured_log import Correlated

http_handler = Correlated(HttpHandler())
queue_handler = Correlated(QueueHandler())
schedule_handler = Correlated(ScheduleHandler())
