"""The handler of POST /api/callevent/getcustomerdata for API Gateway events."""

from smart_redirect.bootstrap.getcustomerdata import CallPathHandler, prepare

handler = CallPathHandler()
prepare(handler)
