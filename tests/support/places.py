"""Made-up area codes of every length, and the ways one may be written."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from mianshen.places import canonical_code, listed_places

_FEW = ("31", "3101", "310118", "310113", "310119", "37", "3717", "371724", "371725", "3701", "370102", "371771",
        "4190", "419001", "4419", "81", "6590", "659001", "34", "340422", "341521", "330421", "320509")  # fmt: skip

CODES: Final = tuple(
    sorted(
        {
            code
            for few in _FEW
            for end in ("", "001", "002001")
            if (code := canonical_code(f"{few}{end}")) is not None
        }
    )
)  # canonical ones, of every length


@st.composite
def area_codes(draw: st.DrawFn) -> str:
    """A code that a list knows, of 2 to 12 digits; often one of a few, so that pairs are related."""
    code = draw(st.sampled_from(_FEW) | st.sampled_from(sorted(listed_places())))
    if len(canonical_code(code) or "") >= 6 and draw(st.booleans()):
        code = code.ljust(6, "0") + draw(st.sampled_from(("001", "002", "103", "001001", "002007")))
    return code


def spellings(code: str) -> st.SearchStrategy[str]:
    """The code as it is, or padded with zeros to any longer length; a prefecture also by its 99."""
    written = [code.ljust(size, "0") for size in (2, 4, 6, 9, 12) if size >= len(code)]
    if len(code) == 4:
        written += [f"{code}99", f"{code}99000000"]
    return st.sampled_from(written)
