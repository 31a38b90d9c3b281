"""What alembic runs: the connection comes from models/schema.py, the tables from the package's nouns."""

from alembic import context

from models.schema import known, rendered

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=known(),
    render_as_batch=True,  # SQLite changes a table by copying it
    compare_type=True,
    render_item=rendered,
)
with context.begin_transaction():
    context.run_migrations()
