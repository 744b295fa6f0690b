-- A made-up population, drawn by arithmetic on row numbers alone.
-- In: the variables seed, residents, as_of, unknowns. Out: the views residents, households, claims, visits,
-- each with the columns of the records contract (and `n`, the row's place, to order by).
-- Invariants: every cell is a function of (seed, row number), never of the order in which threads
-- reach it; money is computed in whole fen; nobody in here is anybody.
-- A macro is pasted in as often as its argument is read, so what is read twice is a column first.

-- Chance: a 32-bit mixing function, spelled out so that no release of the database can change it.
CREATE MACRO low32(x) AS x & 4294967295::UBIGINT;
CREATE MACRO stir_a(x) AS low32(xor(x, x >> 16) * 2146121005::UBIGINT);
CREATE MACRO stir_b(x) AS low32(xor(x, x >> 15) * 2221713035::UBIGINT);
CREATE MACRO stir_c(x) AS xor(x, x >> 16);
CREATE MACRO mix(x) AS stir_c(stir_b(stir_a(x)));
SET VARIABLE key = mix(getvariable('seed')::UBIGINT);
CREATE MACRO origin(kind, n) AS
    mix(xor(low32(n::UBIGINT * 2654435761::UBIGINT + kind::UBIGINT * 97), getvariable('key')::UBIGINT));
CREATE MACRO draw(h, nth) AS mix(low32(h + nth::UBIGINT * 2654435769::UBIGINT));  -- 0 .. 2^32 - 1
CREATE MACRO thousandth(h, nth) AS (draw(h, nth) % 1000)::INTEGER;  -- 0 .. 999
CREATE MACRO spread(u, low, high) AS low::BIGINT + ((u * (high - low)::UBIGINT) >> 32)::BIGINT;  -- low .. high - 1
CREATE MACRO money(fen) AS (fen::DECIMAL(14, 0) * 0.01)::DECIMAL(16, 2);
CREATE MACRO yuan(amount) AS (amount * 100)::BIGINT;  -- in fen
CREATE MACRO known(cell, h, nth) AS
    CASE WHEN getvariable('unknowns') AND thousandth(h, nth) < 15 THEN NULL ELSE cell END;

-- Where: mostly Shanghai, then Beijing, Shandong (Dezhou, Juye), and places the rulebook says nothing of.
CREATE MACRO one_of(list, u) AS list_extract(list, 1 + (u % len(list)::UBIGINT)::INTEGER);
CREATE MACRO shanghai(u) AS one_of(['310101', '310104', '310105', '310106', '310107', '310109', '310110', '310112',
    '310113', '310114', '310115', '310116', '310117', '310118', '310120', '310151'], u);
CREATE MACRO beijing(u) AS one_of(['110101', '110102', '110105', '110106', '110108', '110111', '110112', '110114'], u);
CREATE MACRO shandong(u) AS one_of(['371724', '371402', '371403', '371424', '371481', '371724', '371702', '371502',
    '370102', '370202'], u);
CREATE MACRO elsewhere(u) AS one_of(['320505', '330106', '440305', '510107', '340104', '420106'], u);
CREATE MACRO place(u) AS CASE
    WHEN u % 1000 < 700 THEN shanghai(u // 1000)
    WHEN u % 1000 < 810 THEN beijing(u // 1000)
    WHEN u % 1000 < 930 THEN shandong(u // 1000)
    ELSE elsewhere(u // 1000) END;

-- How much: a long tail in steps, each step even; in fen.
CREATE MACRO inpatient_bill(step, u) AS CASE
    WHEN step < 5000 THEN spread(u, yuan(600), yuan(12000))
    WHEN step < 8000 THEN spread(u, yuan(12000), yuan(30000))
    WHEN step < 9500 THEN spread(u, yuan(30000), yuan(80000))
    WHEN step < 9920 THEN spread(u, yuan(80000), yuan(250000))
    WHEN step < 9985 THEN spread(u, yuan(250000), yuan(700000))
    ELSE spread(u, yuan(700000), yuan(1600000)) END;
CREATE MACRO outpatient_bill(step, u) AS CASE
    WHEN step < 5000 THEN spread(u, yuan(20), yuan(260))
    WHEN step < 8000 THEN spread(u, yuan(260), yuan(700))
    WHEN step < 9500 THEN spread(u, yuan(700), yuan(2500))
    WHEN step < 9900 THEN spread(u, yuan(2500), yuan(12000))
    WHEN step < 9990 THEN spread(u, yuan(12000), yuan(40000))
    ELSE spread(u, yuan(40000), yuan(80000)) END;

-- Households: six neighbours at a time are split by one of these patterns, a digit a household.
CREATE MACRO split(u) AS one_of(['000000', '000011', '000122', '000111', '001122', '000112', '001123', '001234',
    '000123', '012345', '000012', '001112'], u);

CREATE TABLE person AS
WITH
numbered AS (
    SELECT n, n // 6 AS block, (n % 6)::INTEGER AS seat, origin(1, n) AS h
    FROM range(getvariable('residents')::BIGINT) AS t(n)
),
seated AS (
    SELECT n, h, block, seat, split(origin(2, block)) AS pattern FROM numbered
),
housed AS (
    SELECT n, h, substr(pattern, seat + 1, 1) AS slot, block * 6 + slot::INTEGER AS household,
        seat - length(replace(substr(pattern, 1, seat), slot, '')) AS seniority  -- 0 for its head
    FROM seated
),
drawn AS (
    SELECT *, origin(3, household) AS hh,
        draw(h, 2) AS youth, thousandth(h, 3) AS generation, thousandth(h, 5) < 40 AS moved, draw(h, 6) AS own_place
    FROM housed
),
gathered AS (
    SELECT *, thousandth(hh, 7) AS means,  -- of the household; below 65 it is poor
        CASE WHEN moved THEN own_place ELSE draw(hh, 6) END AS home
    FROM drawn
),
aged AS (
    SELECT n, h, hh, household, means, place(home) AS area,
        CASE
            WHEN seniority >= 2 AND thousandth(h, 1) < 620 THEN spread(youth, 0, 18)
            WHEN generation < 120 THEN spread(youth, 20, 30)
            WHEN generation < 320 THEN spread(youth, 30, 40)
            WHEN generation < 500 THEN spread(youth, 40, 50)
            WHEN generation < 680 THEN spread(youth, 50, 60)
            WHEN generation < 850 THEN spread(youth, 60, 70)
            WHEN generation < 950 THEN spread(youth, 70, 80)
            WHEN generation < 994 THEN spread(youth, 80, 95)
            ELSE spread(youth, 95, 105) END AS age,
        CASE WHEN thousandth(h, 4) < 495 THEN 'female' ELSE 'male' END AS sex,
        thousandth(h, 8) AS insures, thousandth(h, 9) AS covers, thousandth(h, 10) AS works,
        thousandth(h, 11) AS falls, thousandth(h, 12) AS claimed, draw(h, 13) AS claimed_much
    FROM gathered
),
insured AS (
    SELECT *,
        age >= CASE WHEN sex = 'female' THEN 55 ELSE 60 END AS of_age,
        CASE
            WHEN age < 18 THEN CASE WHEN insures < 950 THEN 'resident' ELSE 'none' END
            WHEN insures < 660 THEN 'employee'
            WHEN insures < 960 THEN 'resident'
            ELSE 'none' END AS scheme
    FROM aged
),
employed AS (
    SELECT *,
        CASE
            WHEN scheme = 'none' THEN 'ended'
            WHEN covers < 955 THEN 'active'
            WHEN covers < 985 THEN 'suspended'
            ELSE 'ended' END AS coverage,
        CASE
            WHEN age < 18 THEN 'none'
            WHEN of_age AND scheme = 'employee' THEN 'retired'
            WHEN of_age THEN 'none'
            WHEN scheme = 'employee' AND works < 860 THEN 'employed'
            WHEN scheme = 'employee' AND works < 970 THEN 'flexible'
            WHEN works < 400 THEN 'flexible'
            WHEN works < 700 THEN 'unemployed'
            ELSE 'none' END AS employment,
        CASE
            WHEN means < 30 THEN 'subsistence'
            WHEN means < 65 THEN 'low_income'
            WHEN falls < 10 THEN 'destitute'
            WHEN falls < 35 THEN 'illness_poverty'
            ELSE 'none' END AS assistance
    FROM insured
)
SELECT *,
    getvariable('as_of')::DATE - (age * 365 + age // 4 + spread(draw(h, 14), 0, 365))::INTEGER AS born,
    scheme = 'employee' AND employment <> 'retired' AND coverage = 'active' AS pays_in,
    CASE  -- what was paid this benefit year before the claims on file, in fen
        WHEN coverage <> 'active' OR claimed < 850 THEN 0
        WHEN claimed < 990 THEN spread(claimed_much, yuan(1000), yuan(60000))
        WHEN claimed < 997 THEN spread(claimed_much, yuan(60000), yuan(400000))
        ELSE spread(claimed_much, yuan(400000), yuan(550000)) END AS paid_before
FROM employed;

CREATE VIEW residents AS
SELECT n,
    printf('P%08d', n + 1) AS person_id,
    known(printf('H%08d', household + 1), h, 101) AS household_id,
    known(born, h, 102) AS birth_date,
    known(sex, h, 103) AS sex,
    known(area, h, 104) AS insured_area,
    known(scheme, h, 105) AS insurance_scheme,
    known(coverage, h, 106) AS coverage_status,
    known(employment, h, 107) AS employment_status,
    known(CASE
        WHEN scheme <> 'employee' THEN 0
        WHEN employment = 'retired' THEN spread(draw(h, 15), 120, 500)
        ELSE spread(draw(h, 15), 0, greatest(1, (age - 18) * 12)) END::INTEGER, h, 108) AS contribution_months,
    known(money(CASE WHEN pays_in THEN spread(draw(h, 16), yuan(7310), yuan(36549)) ELSE 0 END), h, 109)
        AS contribution_base,
    known(money(CASE WHEN pays_in AND employment = 'employed' THEN spread(draw(h, 17), yuan(5800), yuan(31000)) ELSE 0 END),
        h, 110) AS employer_average_wage,
    known(assistance, h, 111) AS assistance_category,
    known(CASE
        WHEN thousandth(h, 18) < CASE WHEN age >= 75 THEN 700 ELSE 965 END THEN 0
        ELSE spread(draw(h, 19), 1, 6) END::INTEGER, h, 112) AS disability_level,
    known(money(CASE
        WHEN scheme <> 'resident' THEN 0
        WHEN age < 18 THEN yuan(245)
        WHEN age >= 70 THEN yuan(400)
        WHEN age >= 60 THEN yuan(570)
        ELSE yuan(740) END), h, 113) AS annual_premium,
    known(money(CASE
        WHEN scheme <> 'employee' THEN 0
        WHEN thousandth(h, 20) < 800 THEN spread(draw(h, 21), 0, yuan(6000))
        ELSE spread(draw(h, 21), yuan(6000), yuan(40000)) END), h, 114) AS personal_account_balance,
    known(money(paid_before), h, 115) AS opening_basic_paid,
    known(money(paid_before * 20 // 17), h, 116) AS opening_covered_cost,
    known(money(CASE
        WHEN scheme <> 'employee' OR coverage <> 'active' THEN 0
        WHEN paid_before = 0 AND thousandth(h, 26) < 900 THEN 0
        WHEN paid_before = 0 THEN spread(draw(h, 27), 1, yuan(1200))
        WHEN employment = 'retired' THEN yuan(1200)
        ELSE yuan(1500) END), h, 117) AS opening_deductible_used,
    known(money(CASE
        WHEN assistance IN ('none', 'illness_poverty') OR coverage <> 'active' OR thousandth(h, 22) < 800 THEN 0
        ELSE spread(draw(h, 23), yuan(500), yuan(158000)) END), h, 118) AS opening_assistance_inpatient_paid,
    known(money(CASE
        WHEN assistance IN ('none', 'illness_poverty') OR coverage <> 'active' OR thousandth(h, 24) < 800 THEN 0
        ELSE spread(draw(h, 25), yuan(100), yuan(8000)) END), h, 119) AS opening_assistance_outpatient_paid,
    known(CASE WHEN thousandth(h, 28) < 960 THEN area ELSE place(draw(h, 29)) END, h, 120) AS previous_insured_area,
    known(CASE
        WHEN sex = 'male' OR age NOT BETWEEN 20 AND 45 OR thousandth(h, 30) < 920 THEN 0
        WHEN thousandth(h, 31) < 970 THEN 1
        WHEN thousandth(h, 31) < 998 THEN 2
        ELSE 3 END::INTEGER, h, 121) AS children_born,
    known(sex = 'female' AND thousandth(h, 32) < 120, h, 122) AS difficult_delivery,
    known(CASE WHEN thousandth(h, 33) < CASE WHEN age >= 55 THEN 550 ELSE 930 END THEN 'none'
        ELSE one_of(['hypertension', 'hypertension', 'diabetes', 'stroke', 'copd', 'cancer', 'coronary_heart_disease',
            'chronic_kidney_disease', 'chronic_hepatitis', 'other'], draw(h, 34)) END, h, 123) AS diagnosed_chronic_disease,
    known(CASE WHEN age < 60 OR thousandth(h, 35) < 880 THEN 0 ELSE spread(draw(h, 36), 1, 32) END::INTEGER, h, 124)
        AS institution_days,
    known(money(CASE WHEN age < 60 OR thousandth(h, 37) < 800 THEN 0 ELSE spread(draw(h, 38), yuan(20), yuan(1200)) END),
        h, 125) AS ltc_self_paid,
    known(age BETWEEN 30 AND 74 AND thousandth(h, 39) < 60, h, 126) AS carer_of_ltc_recipient,
    known(CASE WHEN thousandth(h, 40) < 700 THEN 0 ELSE spread(draw(h, 41), 0, 49) * 0.25 END::DECIMAL(9, 2), h, 127)
        AS carer_training_hours,
    known(thousandth(h, 42) < 60, h, 128) AS disability_certificate,
    known(CASE WHEN age < 49 OR thousandth(h, 43) < 900 THEN 'none' WHEN thousandth(h, 44) < 970 THEN 'rewarded'
        ELSE 'bereaved' END, h, 129) AS family_planning_category,
    known(age BETWEEN 18 AND 70 AND thousandth(h, 45) < 100, h, 130) AS blood_donor,
    known(getvariable('as_of')::DATE - spread(draw(h, 46), 0, 90)::INTEGER, h, 131) AS unassisted_list_received
FROM person;

CREATE VIEW households AS
WITH counted AS (
    SELECT household AS n, any_value(hh) AS h, any_value(means) AS means, count(*) AS members
    FROM person GROUP BY household
)
SELECT n,
    printf('H%08d', n + 1) AS household_id,
    known(money(members * CASE
        WHEN means < 65 THEN spread(draw(h, 1), yuan(4000), yuan(21000))
        WHEN means < 600 THEN spread(draw(h, 1), yuan(21000), yuan(72000))
        WHEN means < 950 THEN spread(draw(h, 1), yuan(72000), yuan(200000))
        ELSE spread(draw(h, 1), yuan(200000), yuan(900000)) END), h, 101) AS annual_income,
    known(members::INTEGER + CASE WHEN getvariable('unknowns') AND thousandth(h, 2) < 10 THEN 1 ELSE 0 END, h, 102)
        AS member_count  -- sometimes one more than the register knows
FROM counted;

-- Claims: three a resident on average. One in three belongs to the sick tenth, one in twenty to the sickest
-- two hundredth; `stride` scatters these over the whole population. Claims are numbered as they came in.
CREATE VIEW claims AS
WITH
numbered AS (
    SELECT n, origin(4, n) AS h, getvariable('residents')::BIGINT AS people, people * 3 AS total
    FROM range(getvariable('residents')::BIGINT * 3) AS t(n)
),
drawn AS (
    SELECT *, thousandth(h, 1) AS illness, draw(h, 2) AS who, thousandth(h, 4) AS need, draw(h, 6) AS where_else,
        draw(h, 7) % 10000 AS step, draw(h, 8) AS size
    FROM numbered
),
owned AS (
    SELECT * EXCLUDE (people, total),
        spread(who, 0, CASE
            WHEN illness < 50 THEN greatest(1, people // 200)
            WHEN illness < 380 THEN greatest(1, people // 10)
            ELSE people END) * getvariable('stride')::BIGINT % people AS owner,
        getvariable('as_of')::DATE - 547 + (n * 548 // total - spread(draw(h, 3), 0, 7))::INTEGER AS service_date
    FROM drawn
),
sorted AS (
    SELECT owned.* REPLACE (greatest(service_date, born) AS service_date), area, scheme, coverage,
        CASE
            WHEN sex = 'female' AND age BETWEEN 20 AND 42 AND need < 60 THEN 'prenatal'
            WHEN sex = 'female' AND age BETWEEN 20 AND 42 AND need < 90 THEN 'delivery'
            WHEN need < 600 THEN 'outpatient'
            WHEN need < 680 THEN 'chronic_outpatient'
            ELSE 'inpatient' END AS care,
        CASE
            WHEN thousandth(owned.h, 5) < 860 THEN area
            WHEN area LIKE '37%' THEN shandong(where_else)
            ELSE place(where_else) END AS hospital_area
    FROM owned JOIN person ON owned.owner = person.n
),
billed AS (
    SELECT *,
        CASE care
            WHEN 'inpatient' THEN inpatient_bill(step, size)
            WHEN 'delivery' THEN spread(size, yuan(3000), yuan(45000))
            WHEN 'prenatal' THEN spread(size, yuan(80), yuan(2600))
            WHEN 'chronic_outpatient' THEN spread(size, yuan(90), yuan(3200))
            ELSE outpatient_bill(step, size) END AS bill,
        CASE WHEN thousandth(h, 9) < 200 THEN 0 ELSE bill * spread(draw(h, 10), 1, 350) // 1000 END AS outside,
        bill - outside AS in_scope,
        care = 'inpatient' AND thousandth(h, 11) < CASE WHEN bill >= yuan(40000) THEN 600 ELSE 20 END AS critical
    FROM sorted
),
settled AS (  -- what another system paid, where the basic layer is not Shanghai's inpatient one
    SELECT *,
        coverage = 'active' AND NOT (area LIKE '31%' AND care = 'inpatient') AND thousandth(h, 12) < 800 AS elsewhere_paid
    FROM billed
)
SELECT n,
    printf('C%08d', n + 1) AS claim_id,
    printf('P%08d', owner + 1) AS person_id,
    service_date,
    known(care, h, 101) AS care_type,
    known(hospital_area, h, 102) AS hospital_area,
    known(one_of(['primary', 'secondary', 'secondary', 'tertiary', 'tertiary'], draw(h, 13)), h, 103) AS hospital_level,
    known(thousandth(h, 14) < 960, h, 104) AS networked,
    known(thousandth(h, 15) < CASE WHEN care IN ('delivery', 'prenatal') THEN 750 ELSE 100 END, h, 105)
        AS maternity_networked,
    known(money(bill), h, 106) AS total_cost,
    known(money(outside), h, 107) AS out_of_scope_cost,
    known(critical, h, 108) AS critical_illness,
    known(left(hospital_area, 4) <> left(area, 4) AND thousandth(h, 16) < 550, h, 109) AS filed_for_remote_care,
    CASE WHEN elsewhere_paid THEN money(in_scope * spread(draw(h, 17), 50, 86) // 100) END AS basic_paid,
    CASE WHEN elsewhere_paid AND thousandth(h, 18) < 500 THEN money(in_scope * spread(draw(h, 19), 0, 6) // 100) END
        AS supplementary_paid,
    CASE WHEN elsewhere_paid AND thousandth(h, 20) < 500
        THEN money(CASE WHEN critical THEN in_scope * spread(draw(h, 21), 1, 9) // 100 ELSE 0 END) END
        AS critical_illness_paid,
    known(money(CASE WHEN care = 'inpatient' AND thousandth(h, 22) < 40 THEN bill * spread(draw(h, 23), 5, 120) // 1000
        ELSE 0 END), h, 110) AS blood_cost
FROM settled;

-- Visits: to people in Dezhou who were assessed, at most one a month; one to seven different items each.
CREATE VIEW visits AS
WITH
offered AS (
    SELECT person.n AS owner, months.n AS month, person.n * 12 + months.n AS n, origin(5, person.n * 12 + months.n) AS h
    FROM person, range(12) AS months(n)
    WHERE area LIKE '3714%' AND thousandth(h, 18) >= CASE WHEN age >= 75 THEN 700 ELSE 965 END
),
taken AS (
    SELECT *, spread(draw(h, 2), 1, 8) AS many, spread(draw(h, 3), 0, 51) AS first_item, spread(draw(h, 4), 1, 11) AS step
    FROM offered WHERE thousandth(h, 1) < 700
)
SELECT n,
    printf('V%08d', n + 1) AS visit_id,
    printf('P%08d', owner + 1) AS person_id,
    getvariable('as_of')::DATE - (month * 30 + spread(draw(h, 5), 0, 30))::INTEGER AS service_date,
    known(array_to_string(
        list_transform(range(many), lambda k: 'item_' || (1 + (first_item + k * (1 + step * 3)) % 51)), '; '), h, 101)
        AS optional_items
FROM taken;
