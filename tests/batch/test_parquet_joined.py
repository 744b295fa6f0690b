"""Parquet files joined without decoding: the rows of all, in order, for any reader."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.campaigns import SOAK

from mianshen.batch import parquet_join
from mianshen.batch.parquet_join import JoinedFile, NotJoined

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("amount", pa.decimal128(18, 2)),
        ("due", pa.bool_()),
        ("names", pa.list_(pa.string())),
    ]
)
row = st.fixed_dictionaries(
    {
        "key": st.none() | st.text(max_size=6),
        "amount": st.none() | st.decimals(-(10**15), 10**15, places=2),
        "due": st.none() | st.booleans(),
        "names": st.none() | st.lists(st.text(max_size=3), max_size=3),
    }
)


def join_parquet(parts: list[Path | pa.Buffer], to: Path, schema: pa.Schema = SCHEMA) -> None:
    """All parts as one file, whose digest is that of its bytes."""
    with JoinedFile(to, coded([], schema)) as file:
        for part in parts:
            file.append(part)
    assert file.digest == f"sha256:{hashlib.sha256(to.read_bytes()).hexdigest()}"
    assert file.rows == pq.read_metadata(to).num_rows


def coded(rows: Sequence[Mapping[str, object]], schema: pa.Schema = SCHEMA, **how: object) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema), sink, row_group_size=3, **how)
    return sink.getvalue()


@given(st.lists(st.lists(row, max_size=8), min_size=1, max_size=5), st.booleans(), st.booleans())
def test_the_rows_of_all_files_in_order(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[dict[str, object]]], index: bool, texts: bool
) -> None:
    """With dictionaries or without, with indexes of pages or without, files or buffers, empty ones among them."""
    folder = tmp_path_factory.mktemp("joined")
    entry = [coded(part, write_page_index=index, use_dictionary=texts) for part in parts]
    (folder / "first.parquet").write_bytes(entry[0])
    join_parquet([folder / "first.parquet", *entry[1:]], folder / "all.parquet")
    expected = [item for part in parts for item in part]
    assert pq.read_table(folder / "all.parquet").to_pylist() == expected
    with duckdb.connect() as database:
        cursor = database.execute("FROM read_parquet(?)", [str(folder / "all.parquet")])
        assert cursor.fetchall() == [tuple(item[name] for name in SCHEMA.names) for item in expected]


def test_a_file_alone_stays_as_it_is(tmp_path: Path) -> None:
    built = coded([{"key": str(n), "amount": None, "due": True, "names": ["x"]} for n in range(100)])
    join_parquet([built], tmp_path / "one.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == built.to_pybytes()


def test_more_row_groups_than_their_numbers_have_room_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = 170 if SOAK else 2
    if not SOAK:
        monkeypatch.setattr(parquet_join, "ORDINALS", 300)
    schema = pa.schema([("key", pa.bool_())])
    one = coded([{"key": True}] * 3 * 200, schema)
    many = tmp_path / "many.parquet"
    join_parquet([one] * parts, many, schema)
    assert pq.read_metadata(many).num_row_groups == 200 * parts
    with duckdb.connect() as database:
        counted = database.execute("SELECT count(key) FROM read_parquet(?)", [str(many)]).fetchall()
    assert counted == [(600 * parts,)]


def test_what_cannot_be_joined_is_refused(tmp_path: Path) -> None:
    other = pa.BufferOutputStream()
    pq.write_table(pa.table({"key": ["a"]}), other)
    for parts in ([coded([]), other.getvalue()], [pa.py_buffer(b"PAR1")], [pa.py_buffer(b"")]):
        with pytest.raises(NotJoined):
            join_parquet(parts, tmp_path / "none.parquet")
