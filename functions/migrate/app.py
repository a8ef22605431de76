"""The handler that brings the database to the bundle's schema: by hand, and as CodeDeploy's hook."""

from smart_redirect.bootstrap.migrate import MigrateHandler

handler = MigrateHandler()
