"""The handlers of the mirrors: the schedule with its warm-up events, and HTTP for webhooks and the operator."""

from smart_redirect.bootstrap.cache_warm import HttpHandler, ScheduleHandler

handler = ScheduleHandler()
http_handler = HttpHandler()
