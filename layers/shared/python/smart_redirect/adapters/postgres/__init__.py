"""PostgreSQL behind the ports: each module binds and maps the rows of the queries in its .sql file."""
