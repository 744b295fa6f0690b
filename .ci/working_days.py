"""Writes `rules/calendar.yaml` from what the library chinesecalendar knows. Run by `make calendar`.

In: the library, which keeps the State Council's notices by hand. Out: the file, each year's working days
where they differ from Monday to Friday, and the library's version. The product itself never imports it.
"""

import datetime as dt
from importlib.metadata import version
from pathlib import Path

from chinese_calendar.constants import holidays, workdays

FILE = Path(__file__).resolve().parent.parent / "rules" / "calendar.yaml"
LIBRARY = f"chinesecalendar {version('chinesecalendar')}"
HEAD = f"""\
# Working days: where each year differs from Monday to Friday, as the State Council announces it.
# Made by `make calendar` from {LIBRARY}; not edited by hand. A year announced since may be added by an
# overlay: `calendar: {{"2027": {{days_off: [01-01, …], worked: [01-03, …], source: …}}}}`.
sources:
  CN-CALENDAR:
    title: {{zh: 国务院办公厅历年部分节假日安排的通知, en: The State Council's yearly notices of public holidays}}

calendar:
"""


def listed(days: list[dt.date]) -> str:
    """Days as `[01-31, …]`."""
    return f"[{', '.join(day.strftime('%m-%d') for day in sorted(days))}]"


def main() -> None:
    """Writes the file."""
    years = []
    for year in sorted({day.year for day in holidays}):
        off = [day for day in holidays if day.year == year and day.weekday() < 5]
        worked = [day for day in workdays if day.year == year and day.weekday() >= 5]
        clause = f"{year}年"
        years.append(
            f'  "{year}":\n    source: CN-CALENDAR\n    clause: {clause}\n'
            f"    days_off: {listed(off)}\n    worked: {listed(worked)}\n"
        )
    FILE.write_text(HEAD + "".join(years), "utf-8")


if __name__ == "__main__":
    main()
