-- The claims of a made-up population as settlements of the national platform, in a data centre's columns.
-- In: the views residents and claims of population.sql. Out: the view settlements (and `n`, the row's place).
-- What each fund paid follows the shipped rules of a stay in Shanghai, yearly limits aside, but on every fiftieth
-- settlement, where 10 yuan less were paid: those are the differences to find. Some rows are refunded pairs, or invalid.

CREATE MACRO fen(amount) AS round(amount::DECIMAL(30, 10), 2)::DECIMAL(16, 2);

CREATE VIEW settlements AS
WITH
settled AS (  -- of people with active coverage: the export has no others
    SELECT c.n, c.claim_id, c.service_date, c.care_type, c.hospital_area, c.hospital_level, c.critical_illness,
        c.total_cost, c.out_of_scope_cost, c.basic_paid, c.supplementary_paid, c.critical_illness_paid,
        r.person_id, r.sex, r.birth_date, r.insured_area, r.insurance_scheme, r.employment_status, r.assistance_category,
        r.personal_account_balance, origin(6, c.n) AS h,
        thousandth(origin(6, c.n), 3) < 15 AS refunded, c.total_cost - c.out_of_scope_cost AS in_scope,
        c.care_type = 'inpatient' AND r.insured_area LIKE '31%' AS stay,
        c.care_type = 'inpatient' AND r.insured_area LIKE '31%' AND r.insurance_scheme = 'employee' AS employee_stay,
        CASE r.employment_status WHEN 'retired' THEN 1200 ELSE 1500 END AS yearly,
        year(c.service_date) - (month(c.service_date) < 7)::INTEGER AS benefit_year
    FROM claims c JOIN residents r USING (person_id)
    WHERE r.coverage_status = 'active'
),
deducted AS (
    SELECT *, CASE
        WHEN employee_stay THEN least(in_scope, yearly - least(yearly, coalesce(sum(in_scope) FILTER (NOT refunded) OVER (
            PARTITION BY person_id, benefit_year, employee_stay ORDER BY service_date, claim_id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)))
        WHEN stay THEN least(in_scope, CASE hospital_level WHEN 'primary' THEN 50 WHEN 'secondary' THEN 100 ELSE 300 END)
        END::DECIMAL(16, 2) AS deductible
    FROM settled
),
paid AS (
    SELECT *, CASE
        WHEN employee_stay THEN fen((in_scope - deductible) * CASE employment_status WHEN 'retired' THEN 0.92 ELSE 0.85 END)
        WHEN stay THEN fen((in_scope - deductible) * 0.75)
        ELSE basic_paid END AS basic
    FROM deducted
),
topped AS (
    SELECT *, CASE WHEN stay THEN 0.00 ELSE supplementary_paid END AS supplementary, CASE
        WHEN stay AND insurance_scheme = 'resident' AND critical_illness THEN fen((in_scope - basic) * CASE
            WHEN assistance_category IN ('destitute', 'subsistence', 'low_income') THEN 0.65 ELSE 0.60 END)
        WHEN stay THEN 0.00
        ELSE critical_illness_paid END AS critical,
        CASE WHEN employee_stay AND thousandth(h, 1) < 30 THEN fen((in_scope - basic) * 0.5) ELSE 0.00 END AS subsidy
    FROM paid
),
assisted AS (
    SELECT *, CASE WHEN stay THEN fen((in_scope - basic - critical - subsidy) * CASE
        WHEN assistance_category = 'destitute' THEN 1
        WHEN assistance_category IN ('subsistence', 'low_income') THEN 0.85 ELSE 0 END) END AS assistance
    FROM topped
),
written AS (
    SELECT *, CASE WHEN stay AND n % 50 = 7 AND basic > 10 THEN basic - 10 ELSE basic END AS fund,
        coalesce(basic, 0) + coalesce(supplementary, 0) + coalesce(critical, 0) + coalesce(assistance, 0) + subsidy AS funds
    FROM assisted
),
dressed AS (
    SELECT n::DOUBLE AS n, replace(claim_id, 'C', 'S') AS SETL_ID, NULL::VARCHAR AS INIT_SETL_ID, person_id AS PSN_NO,
        '样本' AS PSN_NAME, '01' AS PSN_CERT_TYPE, NULL::VARCHAR AS CERTNO,
        CASE sex WHEN 'male' THEN '1' WHEN 'female' THEN '2' END AS GEND, strftime(birth_date, '%Y-%m-%d 00:00:00') AS BRDY,
        CASE insurance_scheme WHEN 'employee' THEN '310' WHEN 'resident' THEN '390' END AS INSUTYPE,
        CASE
            WHEN insurance_scheme = 'employee' THEN CASE employment_status
                WHEN 'retired' THEN '1201' WHEN 'flexible' THEN '1103' ELSE '1101' END
            WHEN date_diff('year', birth_date, service_date) < 18 THEN '1403'
            WHEN date_diff('year', birth_date, service_date) >= 60 THEN '1601'
            ELSE '1501' END AS PSN_TYPE,
        '0' AS CVLSERV_FLAG, insured_area AS INSU_ADMDVS, hospital_area AS FIX_BLNG_ADMDVS, '样本医院' AS FIXMEDINS_NAME,
        CASE hospital_level WHEN 'primary' THEN '08' WHEN 'secondary' THEN '05' ELSE '02' END AS HOSP_LV,
        CASE hospital_level WHEN 'primary' THEN '1' WHEN 'secondary' THEN '2' ELSE '3' END AS DEDC_HOSP_LV,
        CASE care_type WHEN 'inpatient' THEN '2101' WHEN 'delivery' THEN '52' WHEN 'prenatal' THEN '51'
            WHEN 'chronic_outpatient' THEN '14' ELSE '11' END AS MED_TYPE,
        CASE WHEN critical_illness THEN one_of(['M00503', 'M07803', 'M07804', 'M08300'], draw(h, 2)) END AS DISE_NO,
        strftime(service_date - (CASE WHEN care_type IN ('inpatient', 'delivery') THEN 6 ELSE 0 END), '%Y-%m-%d 08:15:00')
            AS BEGNDATE,
        strftime(service_date, '%Y-%m-%d 10:30:00') AS ENDDATE, strftime(service_date, '%Y-%m-%d 11:05:33') AS SETL_TIME,
        total_cost AS MEDFEE_SUMAMT, fen(out_of_scope_cost * 0.5) AS FULAMT_OWNPAY_AMT, 0.00 AS OVERLMT_SELFPAY,
        out_of_scope_cost - fen(out_of_scope_cost * 0.5) AS PRESELFPAY_AMT, in_scope AS INSCP_AMT,
        deductible AS ACT_PAY_DEDC, fund AS HIFP_PAY, subsidy AS CVLSERV_PAY, 0.00 AS HIFES_PAY, critical AS HIFMI_PAY,
        supplementary AS HIFOB_PAY, assistance AS MAF_PAY, 0.00 AS OTHFUND_PAY, 0.00 AS HIFDM_PAY, funds AS FUND_PAY_SUMAMT,
        total_cost - funds AS PSN_PAY, 0.00 AS ACCT_PAY, total_cost - funds AS CASH_PAYAMT, 0.00 AS OWNPAY_HOSP_PART,
        personal_account_balance AS BALC,
        CASE assistance_category WHEN 'destitute' THEN '1' WHEN 'subsistence' THEN '2' WHEN 'low_income' THEN '4'
            WHEN 'illness_poverty' THEN '7110' END AS SP_PSN_TYPE,
        refunded::INTEGER::VARCHAR AS REFD_SETL_FLAG, '1' AS VALI_FLAG, thousandth(h, 4) AS spoilt
    FROM written
)
SELECT * EXCLUDE (spoilt) FROM dressed
UNION ALL  -- a refund: the same amounts, negative, naming the settlement refunded
SELECT * EXCLUDE (spoilt) REPLACE (n + 0.5 AS n, SETL_ID || 'TF' AS SETL_ID, SETL_ID AS INIT_SETL_ID, '0' AS REFD_SETL_FLAG,
    -MEDFEE_SUMAMT AS MEDFEE_SUMAMT, -FULAMT_OWNPAY_AMT AS FULAMT_OWNPAY_AMT, -PRESELFPAY_AMT AS PRESELFPAY_AMT,
    -INSCP_AMT AS INSCP_AMT, -ACT_PAY_DEDC AS ACT_PAY_DEDC, -HIFP_PAY AS HIFP_PAY, -CVLSERV_PAY AS CVLSERV_PAY,
    -HIFMI_PAY AS HIFMI_PAY, -HIFOB_PAY AS HIFOB_PAY, -MAF_PAY AS MAF_PAY, -FUND_PAY_SUMAMT AS FUND_PAY_SUMAMT,
    -PSN_PAY AS PSN_PAY, -CASH_PAYAMT AS CASH_PAYAMT)
FROM dressed WHERE REFD_SETL_FLAG = '1'
UNION ALL  -- an invalid row under the number of a valid one
SELECT * EXCLUDE (spoilt) REPLACE (n + 0.25 AS n, '0' AS VALI_FLAG, MEDFEE_SUMAMT + 1 AS MEDFEE_SUMAMT)
FROM dressed WHERE REFD_SETL_FLAG = '0' AND spoilt < 10;
