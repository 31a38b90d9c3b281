"""What alembic runs: the connection comes from models/schema.py, the tables from the package's nouns."""

from alembic import context

from models.schema import rendered, tables_on

connection = context.config.attributes["connection"]

context.configure(
    connection=connection,
    target_metadata=tables_on(connection.dialect.name),
    render_as_batch=True,  # SQLite changes a table by copying it
    compare_type=True,
    render_item=rendered,
)
with context.begin_transaction():
    context.run_migrations()
