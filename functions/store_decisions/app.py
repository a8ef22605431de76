"""The handler of the log subscription: decision records from stdout of the call path into the database."""

from smart_redirect.bootstrap.store_decisions import StoreDecisions

handler = StoreDecisions()
