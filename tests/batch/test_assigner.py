"""Keys that rows share, found while the rows go by; rows that wait for their blocks."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from mianshen.batch.assigner import SeenKeys
from mianshen.batch.block_store import PartitionFiles


@given(
    st.lists(st.one_of(st.none(), st.text("ab", max_size=3), st.text("P0", max_size=20))),
    st.integers(1, 7),
)
def test_rows_that_share_a_key_are_found_whatever_the_chunks(keys: list[str | None], size: int) -> None:
    seen = SeenKeys()
    for low in range(0, len(keys), size):
        seen.see(pa.array(keys[low : low + size], pa.string()))
    times = Counter(keys)
    expected = [row for row, key in enumerate(keys) if key is not None and times[key] > 1]
    assert seen.doubled().tolist() == expected


def test_rows_that_wait_in_a_file_come_in_their_order_and_the_file_goes(tmp_path: Path) -> None:
    """So that people with rows over time, who wait until all of them are read, need no memory for it."""
    store = PartitionFiles(tmp_path, 2, 2)
    waiting, batches = store.waiting("person"), [pa.record_batch({"key": [f"P{n}"]}) for n in range(5)]
    for batch in batches:
        waiting.append(batch)
    assert [path.name for path in tmp_path.iterdir()] == ["person.waiting.arrow"]
    assert [batch.to_pydict() for batch in waiting] == [batch.to_pydict() for batch in batches]
    assert list(store.waiting("other")) == []
    store.close()
    assert not list(tmp_path.iterdir())
