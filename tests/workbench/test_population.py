"""The made-up population: what the records contract promises holds in it, and it never changes by itself."""

import datetime as dt
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.support.campaigns import few

from mianshen.population import sample as population
from mianshen.population.sample import Counts, Format, write_population

pytestmark = pytest.mark.xdist_group("population")

AS_OF = dt.date(2026, 6, 30)
RESIDENTS = 5_000

COLUMNS = {
    "residents": "person_id household_id birth_date sex insured_area insurance_scheme coverage_status "
    "employment_status contribution_months contribution_base employer_average_wage assistance_category "
    "disability_level annual_premium personal_account_balance opening_basic_paid opening_covered_cost "
    "opening_deductible_used opening_assistance_inpatient_paid opening_assistance_outpatient_paid "
    "previous_insured_area children_born difficult_delivery diagnosed_chronic_disease institution_days "
    "ltc_self_paid carer_of_ltc_recipient carer_training_hours disability_certificate "
    "family_planning_category blood_donor unassisted_list_received",
    "households": "household_id annual_income member_count",
    "claims": "claim_id person_id service_date care_type hospital_area hospital_level networked "
    "maternity_networked total_cost out_of_scope_cost critical_illness filed_for_remote_care basic_paid "
    "supplementary_paid critical_illness_paid blood_cost",
    "visits": "visit_id person_id service_date optional_items",
}
CODES = {
    ("residents", "sex"): "female male",
    ("residents", "insurance_scheme"): "employee none resident",
    ("residents", "coverage_status"): "active ended suspended",
    ("residents", "employment_status"): "employed flexible none retired unemployed",
    ("residents", "assistance_category"): "destitute illness_poverty low_income none subsistence",
    ("residents", "disability_level"): "0 1 2 3 4 5",
    ("claims", "care_type"): "chronic_outpatient delivery inpatient outpatient prenatal",
    ("claims", "hospital_level"): "primary secondary tertiary",
}
STANDING_IN = {"basic_paid", "supplementary_paid", "critical_illness_paid"}
FIRST_CLAIM = (
    "C00000001,P00000001,2024-12-30,outpatient,310151,tertiary,true,false,540.76,105.44,false,false,,,,0.00"
)
FIRST_RESIDENT = (
    "P00000001,H00000001,1949-09-03,female,310101,employee,active,retired,490,0.00,0.00,none,0,0.00,5937.85,"
    "0.00,0.00,0.00,0.00,0.00,310101,0,false,none,0,0.00,false,6.25,false,none,false,2026-06-03"
)

Ask = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    return _asking(tmp_path_factory.mktemp("complete"), unknowns=False)


@pytest.fixture(scope="module")
def ask_gaps(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    return _asking(tmp_path_factory.mktemp("gaps"), unknowns=True)


def _asking(folder: Path, *, unknowns: bool) -> Ask:
    write_population(folder, RESIDENTS, 7, "parquet", AS_OF, unknowns)
    database = duckdb.connect()
    for name in COLUMNS:
        database.read_parquet(str(folder / f"{name}.parquet")).create_view(name)
    return lambda question: database.sql(question).fetchall()


def _digests(folder: Path) -> dict[str, str]:
    return {file.name: sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_file_has_exactly_the_columns_of_the_contract(ask: Ask, name: str) -> None:
    assert [row[0] for row in ask(f"describe {name}")] == COLUMNS[name].split()


@pytest.mark.parametrize("name", COLUMNS)
def test_money_is_decimal_and_dates_are_dates_in_parquet(ask: Ask, name: str) -> None:
    types = {row[0]: row[1] for row in ask(f"describe {name}")}
    assert set(types.values()) <= {"VARCHAR", "DATE", "INTEGER", "BOOLEAN", "DECIMAL(16,2)", "DECIMAL(9,2)"}
    for column, written in types.items():
        assert (written == "DATE") == column.endswith(("_date", "_received"))
        assert (written == "DECIMAL(16,2)") == column.endswith(
            ("_cost", "_paid", "_used", "_base", "_wage", "_premium", "_balance", "_income")
        )


def test_claims_are_three_times_the_residents_and_counted(ask: Ask, tmp_path: Path) -> None:
    [(residents, households, claims, visits)] = ask(
        "select (select count(*) from residents), (select count(*) from households), "
        "(select count(*) from claims), (select count(*) from visits)"
    )
    assert (residents, claims) == (RESIDENTS, 3 * RESIDENTS)
    assert write_population(tmp_path, RESIDENTS, 7, "csv", AS_OF) == Counts(
        residents, households, claims, visits
    )


def test_keys_are_unique_and_every_reference_is_met(ask: Ask) -> None:
    for name, key in (("residents", "person_id"), ("households", "household_id"), ("claims", "claim_id")):
        assert ask(f"select count(*) - count(distinct {key}) from {name}") == [(0,)]
    assert ask("select count(*) from claims anti join residents using (person_id)") == [(0,)]
    assert ask("select count(*) from residents anti join households using (household_id)") == [(0,)]


def test_a_household_counts_its_members(ask: Ask) -> None:
    assert ask(
        "select count(*) from households join (select household_id, count(*) n from residents group by all) "
        "using (household_id) where n <> member_count"
    ) == [(0,)]


@pytest.mark.parametrize(("name", "column"), CODES)
def test_every_code_of_a_list_occurs_and_no_other(ask: Ask, name: str, column: str) -> None:
    result = ask(f"select distinct {column}::varchar from {name} order by 1")
    assert [value for (value,) in result] == CODES[name, column].split()


def test_most_people_are_insured_in_shanghai_and_some_in_juye_dezhou_beijing_and_elsewhere(ask: Ask) -> None:
    [(shanghai, beijing, juye, dezhou, others)] = ask(
        "select avg((insured_area like '31%')::int), sum((insured_area like '11%')::int), "
        "sum((insured_area = '371724')::int), sum((insured_area like '3714%')::int), "
        "sum((left(insured_area, 2) not in ('31', '11', '37'))::int) from residents"
    )
    assert 0.6 < shanghai < 0.8
    assert min(beijing, juye, dezhou, others) > 20


def test_claims_lie_within_eighteen_months_up_to_the_day(ask: Ask) -> None:
    [(first, last)] = ask("select min(service_date), max(service_date) from claims")
    assert AS_OF - dt.timedelta(days=554) <= first < last == AS_OF


def test_nobody_is_born_after_the_day_or_over_a_hundred_and_five(ask: Ask) -> None:
    [(first, last)] = ask("select min(birth_date), max(birth_date) from residents")
    assert first.year >= AS_OF.year - 106
    assert last <= AS_OF


def test_costs_are_long_tailed_and_some_people_pass_the_annual_limit(ask: Ask) -> None:
    [(median, top, passed)] = ask(
        "select median(total_cost), max(total_cost), "
        "(select count(*) from (select person_id, year(service_date), sum(total_cost - out_of_scope_cost) s "
        " from claims where care_type = 'inpatient' group by all having s > 650000)) "
        "from claims where care_type = 'inpatient'"
    )
    assert median < 20_000
    assert top > 700_000
    assert passed > 0


def test_no_claim_is_paid_more_than_its_cost(ask: Ask) -> None:
    assert ask(
        "select count(*) from claims where total_cost <= 0 or out_of_scope_cost < 0 "
        "or out_of_scope_cost + coalesce(basic_paid, 0) + coalesce(supplementary_paid, 0) "
        "+ coalesce(critical_illness_paid, 0) > total_cost"
    ) == [(0,)]


def test_a_few_people_have_many_claims_and_some_two_on_one_day(ask: Ask) -> None:
    [(most,)] = ask("select max(n) from (select count(*) n from claims group by person_id)")
    assert 20 < most < 200
    [(days,)] = ask(
        "select count(*) from (select 1 from claims group by person_id, service_date having count(*) > 1)"
    )
    assert days > 0


@pytest.mark.parametrize("name", COLUMNS)
def test_without_unknowns_only_what_another_system_paid_may_be_empty(ask: Ask, name: str) -> None:
    for column in set(COLUMNS[name].split()) - STANDING_IN:
        assert ask(f"select count(*) from {name} where {column} is null") == [(0,)]


@pytest.mark.parametrize("name", ["residents", "households", "claims"])
def test_with_unknowns_every_cell_but_the_required_is_sometimes_empty(ask_gaps: Ask, name: str) -> None:
    required = {"residents": {"person_id"}, "households": {"household_id"}}
    for column in COLUMNS[name].split():
        [(empty,)] = ask_gaps(f"select count(*) from {name} where {column} is null")
        never = column in required.get(name, {"claim_id", "person_id", "service_date"})
        assert (empty == 0) == never, column


@pytest.mark.parametrize(
    ("form", "unknowns"),
    [("csv", True), ("parquet", False), ("csv", False), ("parquet", True)][: few(2, 4)],
)
def test_the_same_seed_gives_the_same_bytes_whatever_the_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Format, unknowns: bool
) -> None:
    connect = duckdb.connect
    results = []
    counts = (1, 5, 2)[: few(2, 3)]
    for threads in counts:
        monkeypatch.setattr(duckdb, "connect", lambda threads=threads: connect(config={"threads": threads}))
        write_population(tmp_path / str(threads), 2_000, 3, form, AS_OF, unknowns)
        results.append(_digests(tmp_path / str(threads)))
    assert results == results[:1] * len(counts)


def test_another_seed_gives_other_people(tmp_path: Path) -> None:
    write_population(tmp_path / "a", 300, 1, "csv", AS_OF)
    write_population(tmp_path / "b", 300, 2, "csv", AS_OF)
    assert not set(_digests(tmp_path / "a").values()) & set(_digests(tmp_path / "b").values())


def test_the_first_people_of_seed_one_are_who_they_always_were(tmp_path: Path) -> None:
    write_population(tmp_path, 3, 1, "csv", AS_OF)
    assert (tmp_path / "claims.csv").read_text("utf-8").splitlines()[1] == FIRST_CLAIM
    assert (tmp_path / "residents.csv").read_text("utf-8").splitlines()[1] == FIRST_RESIDENT


def test_csv_writes_money_with_two_decimals_and_unknown_as_nothing(tmp_path: Path) -> None:
    write_population(tmp_path, 500, 5, "csv", AS_OF, unknowns=True)
    lines = (tmp_path / "households.csv").read_text("utf-8").splitlines()
    assert lines[0] == "household_id,annual_income,member_count"
    incomes = [line.split(",")[1] for line in lines[1:]]
    assert "" in incomes
    assert all(income == "" or income[-3] == "." for income in incomes)


@pytest.mark.parametrize("residents", [1, 7, 2, 6, 199][: few(2, 5)])
def test_a_population_of_any_size_is_whole(tmp_path: Path, residents: int) -> None:
    counts = write_population(tmp_path, residents, 1, "csv", AS_OF)
    assert (counts.residents, counts.claims) == (residents, 3 * residents)
    assert 1 <= counts.households <= residents
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "claims.csv",
        "households.csv",
        "residents.csv",
        "visits.csv",
    ]


def test_a_visit_takes_one_to_seven_different_items(ask: Ask) -> None:
    taken = [items.split("; ") for (items,) in ask("select optional_items from visits")]
    assert taken
    assert all(1 <= len(items) <= 7 and len(set(items)) == len(items) for items in taken)


def test_a_stride_visits_every_resident_once() -> None:
    for residents in (1, 2, 3, 6, 97, 360, 1000):
        stride = population._stride(residents)
        assert len({step * stride % residents for step in range(residents)}) == residents


@pytest.mark.parametrize(("residents", "seed"), [(0, 1), (-1, 1), (1, -1), (1, 2**32)])
def test_a_size_or_seed_out_of_range_is_refused(tmp_path: Path, residents: int, seed: int) -> None:
    with pytest.raises(ValueError, match=r"resident|seed"):
        write_population(tmp_path / "never", residents, seed, "csv", AS_OF)
    assert not (tmp_path / "never").exists()


def test_a_folder_that_is_a_file_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    with pytest.raises(OSError, match="taken"):
        write_population(tmp_path / "taken", 10, 1, "csv", AS_OF)


def test_an_unwritable_file_is_an_os_error_and_leaves_nothing_half_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_part: Path, file: Path) -> None:
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match=r"residents\.csv"):
        write_population(tmp_path, 10, 1, "csv", AS_OF)
    assert not list(tmp_path.iterdir())
