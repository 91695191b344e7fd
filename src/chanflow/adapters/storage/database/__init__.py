"""The desk's database: what must outlive a run and be asked by more than one room.

SQLite by default, through SQLAlchemy Core; the tables are written so that PostgreSQL takes them as they are. Each room
has its tables in a module of `tables/`; `migrations/versions/` holds the steps from one shape to the next.
"""
