"""The handlers of the mirrors: the schedule with its warm-up events, and HTTP for webhooks and the operator."""

from smart_redirect.bootstrap.cache_warm import HttpHandler, ScheduleHandler
from smart_redirect.bootstrap.structured_log import Correlated

handler = Correlated(ScheduleHandler())
http_handler = Correlated(HttpHandler())
