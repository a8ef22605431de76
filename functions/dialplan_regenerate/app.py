"""The handlers of the dialplan: HTTP for hosts and the operator, the queue of changes, and the sweep."""

from smart_redirect.bootstrap.dialplan_regenerate import HttpHandler, QueueHandler, ScheduleHandler

http_handler = HttpHandler()
queue_handler = QueueHandler()
schedule_handler = ScheduleHandler()
