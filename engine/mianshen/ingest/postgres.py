"""PostgreSQL as source and target, over ADBC (extra `postgres`): tables go in and come out as Arrow.

In: an address such as `postgresql://user@host/db?table=people`, or libpq's words, `postgres:host=db dbname=x?table=people`. A
password comes from PGPASSWORD or ~/.pgpass as ever, or stands in the address, and is in no message. A number of
PostgreSQL is a text here, exact; its type `money`, which knows no decimals of its own, is read as a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from mianshen.catalogue import diagnostic
from mianshen.ingest import diagnostics
from mianshen.mapping.text import identifier
from mianshen.source import RuleError, unlined

if TYPE_CHECKING:
    from adbc_driver_manager import dbapi

KINDS: Final = ("postgres", "postgresql")
TABLES: Final = "mianshen_tables"  # the names of what an earlier run put in
_TYPE: Final = b"POSTGRESQL:type"
_SCHEMA_OF: Final = "SELECT * FROM {} LIMIT 0"


def connection_words(rest: str) -> str:
    """What libpq takes to connect: an address, or words and their values."""
    return f"postgresql:{rest}" if rest.startswith("//") else rest


@contextmanager
def connected(words: str, address: str) -> Iterator[dbapi.Connection]:
    """A connection in a transaction. Raises RuleError, in whose message nothing of the words is, where there is none."""
    try:
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import dbapi as postgres
    except ImportError:
        raise RuleError([diagnostic("E587.no_extra", unlined(address), extra="postgres")]) from None
    try:
        with closing(postgres.connect(words)) as connection:
            yield connection
    except Error:
        raise RuleError([diagnostics.bad_database(address)]) from None


def export_table(words: str, relation: str, address: str, table: str, target: Path) -> None:
    """A table or view written as Parquet. Raises RuleError."""
    with connected(words, address) as connection, closing(connection.cursor()) as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        try:
            cursor.execute(_SCHEMA_OF.format(relation))
        except Exception as error:
            if getattr(error, "sqlstate", None) in ("42P01", "3F000"):  # no such table, no such schema
                raise RuleError([diagnostics.no_table(address, table)]) from None
            raise
        schema = cursor.fetch_record_batch().schema
        cursor.execute(f"SELECT {', '.join(map(_selected, schema))} FROM {relation}")
        reader = cursor.fetch_record_batch()
        plain = pa.schema([(field.name, _storage(field.type)) for field in reader.schema])
        with pq.ParquetWriter(target, plain) as writer:
            for batch in _batches(reader, address):
                writer.write_batch(pa.record_batch([_stored(column) for column in batch.columns], plain))


def _batches(reader: pa.RecordBatchReader, address: str) -> Iterator[pa.RecordBatch]:
    """The batches of a query that may fail after its first rows, as a view that divides by zero does. Raises RuleError."""
    try:
        yield from reader
    except (OSError, pa.ArrowException):
        raise RuleError([diagnostics.bad_database(address)]) from None


def _selected(field: pa.Field) -> str:
    """A column as it is selected: types without a plain counterpart as text, `money` as a number."""
    name, type_ = identifier(field.name), (field.metadata or {}).get(_TYPE, b"").strip(b"'")
    if type_ == b"money":
        return f"{name}::numeric AS {name}"
    foreign = isinstance(field.type, pa.BaseExtensionType) and type_ != b"numeric"
    return f"{name}::text AS {name}" if foreign or pa.types.is_interval(field.type) else name


def _storage(type_: pa.DataType) -> pa.DataType:
    return type_.storage_type if isinstance(type_, pa.BaseExtensionType) else type_


def _stored(column: pa.Array) -> pa.Array:
    return column.storage if isinstance(column, pa.ExtensionArray) else column


# -- results -----------------------------------------------------------------------------------


def put_tables(words: str, address: str, tables: Sequence[tuple[str, Path]]) -> None:
    """Parquet files as tables, in one transaction; what an earlier run put in goes. Raises RuleError."""
    with connected(words, address) as connection, closing(connection.cursor()) as cursor:
        for name in {*_earlier(cursor), TABLES, *(name for name, _ in tables)}:
            cursor.execute(f"DROP TABLE IF EXISTS {identifier(name)}")
        for name, file in tables:
            with pq.ParquetFile(file) as parquet:
                schema = parquet.schema_arrow
                columns = ", ".join(f"{identifier(f.name)} {_sql_type(f.type)}" for f in schema)
                cursor.execute(f"CREATE TABLE {identifier(name)} ({columns})")
                batches = pa.RecordBatchReader.from_batches(schema, parquet.iter_batches())
                cursor.adbc_ingest(name, batches, mode="append")
        names = pa.table({"name": [name for name, _ in tables]})
        cursor.execute(f"CREATE TABLE {identifier(TABLES)} (name text)")
        cursor.adbc_ingest(TABLES, names, mode="append")
        connection.commit()


def _earlier(cursor: dbapi.Cursor) -> list[str]:
    """The tables that an earlier run put in."""
    cursor.execute("SELECT to_regclass($1) IS NOT NULL", (TABLES,))
    known: Any = cursor.fetchone()
    if not known[0]:
        return []
    cursor.execute(f"SELECT name FROM {identifier(TABLES)}")
    return [name for (name,) in cursor.fetchall()]


def _sql_type(type_: pa.DataType) -> str:
    if pa.types.is_decimal(type_):
        return f"numeric({type_.precision}, {type_.scale})"
    if pa.types.is_integer(type_):
        return "bigint"
    if pa.types.is_boolean(type_):
        return "boolean"
    return "date" if pa.types.is_date(type_) else "text"
