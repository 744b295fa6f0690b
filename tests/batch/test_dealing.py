"""Keys that rows share, found while the rows go by."""

from __future__ import annotations

from collections import Counter

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from mianshen.batch.dealing import SeenKeys


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
