"""The schema, brought up to date at deploys."""
