-- Makes the payments of this example: a year of a small card issuer, one CSV file a month.
--
--   cd examples/fraud/data && duckdb < generate.sql
--
-- Nothing in it is random: every number comes from the MD5 of a seed, a counter and a salt, in integer arithmetic, so
-- the files are the same to the byte wherever it is run. A test holds them to that.
--
-- What is in the data:
--   honest payments   by day, skewed over cards and merchants, with shopping sprees, most of them in summer
--   fraud until June  stolen cards are tried out: bursts of small payments at four merchants, any time of day
--   fraud from July   the pattern changes: few large payments at night, at merchants that were clean before
--   chargebacks       one to six weeks after the fraud; those after 2026-12-31 are not in the data, so the youngest
--                     frauds look honest in it
--   dirt              payments delivered twice, amounts of zero, missing amounts, cards and age bands

set threads = 1;

create macro seed() as 'fraud-7';

-- u is uniform in 0 .. n-1.
create macro u(i, salt, n) as ('0x' || substr(md5(seed() || ':' || salt || ':' || i), 1, 12))::bigint % n;

-- A card: some are used far more than others.
create macro card(i, salt) as u(i, salt, 1000) * u(i, salt || '+', 1000) // 1000;

-- An hour of the day as honest people pay: none to speak of before six, most from noon to evening.
create macro by_day(i, salt) as
  [0, 6, 7, 7, 8, 8, 8, 9, 9, 9, 10, 10, 10, 10, 11, 11, 11, 11, 12, 12, 12, 12, 12, 13, 13, 13, 13, 14, 14, 14, 15, 15, 15,
   16, 16, 16, 16, 17, 17, 17, 17, 17, 18, 18, 18, 18, 18, 19, 19, 19, 19, 20, 20, 20, 21, 21, 22, 22, 23, 1][u(i, salt, 60) + 1];

-- Cents with a long tail: the product of three uniform numbers.
create macro cents(i, salt, scale) as
  150 + scale * u(i, salt || 'a', 1000) // 1000 * (100 + u(i, salt || 'b', 900)) // 1000 * (100 + u(i, salt || 'c', 900)) // 1000;

-- Merchants 0 .. 47: twelve groceries, and so on. The scale is that of cents().
create table merchants as
select m, kind || lpad((m % 12 + 1)::varchar, 2, '0') as merchant, scale
from range(48) r(m), (values (0, 'GROC', 40000), (1, 'FUEL', 30000), (2, 'SHOP', 90000), (3, 'TECH', 600000)) k(g, kind, scale)
where m // 12 = g;

create table honest as
select 'h' || i as id, card(i, 'card') as card,
  timestamp '2026-01-01' + to_days(u(i, 'day', 365)::int) + to_hours(by_day(i, 'hour')) + to_seconds(u(i, 'second', 3600)) as paid_at,
  u(i, 'merchant', 48) * (52 + u(i, 'merchant+', 48)) // 100 as m
from range(15200) r(i);

-- A spree is two to five payments within two hours. More of them are in July, August and September than else.
create table sprees as
select 's' || s || '.' || k as id, card(s, 'spree card') as card,
  timestamp '2026-01-01' + to_days(case when u(s, 'spree summer', 5) < 2 then 181 + u(s, 'spree day', 92) else u(s, 'spree day', 365) end::int)
    + to_hours(by_day(s, 'spree hour')) + to_seconds(k * (400 + u(s, 'spree pace', 1400))) as paid_at,
  12 + u(s * 10 + k, 'spree merchant', 32) as m
from range(420) r(s), range(5) t(k)
where k < 2 + u(s, 'spree length', 4);

-- An attack hits one card. Until June most are of the first pattern, from July on most are of the second.
create table attacks as
select a, card(a, 'attack card') as card, day, if(u(a, 'pattern', 100) < if(day < 181, 92, 10), 1, 2) as pattern
from (select a, if(a < 80, u(a, 'attack day', 181), 181 + u(a, 'attack day', 184))::int as day from range(310) r(a));

create table frauds as
select 'f' || a || '.' || k as id, a, k, pattern, card,
  timestamp '2026-01-01' + to_days(day)
    + to_hours(if(pattern = 1, u(a, 'attack hour', 24), [23, 0, 1, 1, 2, 2, 3, 3, 4, 13][u(a, 'attack hour', 10) + 1]))
    + to_seconds(u(a, 'attack second', 3000) + k * (120 + u(a, 'attack pace', 400))) as paid_at,
  if(pattern = 1, [14, 19, 27, 33][u(a, 'attack merchant', 4) + 1], [37, 38, 40, 41, 43][u(a * 10 + k, 'attack merchant', 5) + 1]) as m
from attacks, range(7) t(k)
where k < if(pattern = 1, 3 + u(a, 'attack length', 5), 1 + u(a, 'attack length', 3));

-- Numbered in time order, with amounts, and with what is known on 2026-12-31 of the fraud among them.
create table payments as
select 'p' || lpad((row_number() over (order by paid_at, id))::varchar, 5, '0') as payment_id, paid_at,
  cents / 100 as amount, merchant, 'c' || lpad(card::varchar, 4, '0') as card,
  ['18-24', '25-34', '35-44', '45-54', '55-64', '65+'][u(card, 'age', 6) + 1] as age_band,
  case when chargeback_at < timestamp '2027-01-01' then chargeback_at end as chargeback_at
from (
  select id, paid_at, card, m, cents(id, 'amount', scale) as cents, null::timestamp as chargeback_at
  from (from honest union all from sprees) join merchants using (m)
  union all
  select id, paid_at, card, m,
    if(pattern = 1, 900 + u(id, 'small', 9000), 30000 + u(id, 'large', 150000) * (300 + u(id, 'large+', 700)) // 1000),
    paid_at + to_days((7 + u(a, 'chargeback', 37))::int) + to_hours(9 + u(id, 'chargeback hour', 9)) - to_hours(hour(paid_at))
  from frauds
) join merchants using (m)
where paid_at < timestamp '2027-01-01';

-- What comes out of the gateway.
create table delivered as
select payment_id, paid_at,
  case when u(payment_id, 'zero', 400) = 0 then 0 when u(payment_id, 'no amount', 900) > 0 then amount end::decimal(9, 2) as amount,
  merchant, chargeback_at is not null as is_fraud, chargeback_at,
  case when u(payment_id, 'no card', 300) > 0 then card end as card,
  case when u(payment_id, 'no age', 80) > 0 then age_band end as age_band
from payments;

insert into delivered
select payment_id, paid_at + to_seconds(2 + u(payment_id, 'again', 50)), amount, merchant, is_fraud, chargeback_at, card, age_band
from delivered where u(payment_id, 'twice', 450) = 0;

create macro month(m) as table
  select * from delivered where strftime(paid_at, '%Y-%m') = m order by paid_at, payment_id;

copy (from month('2026-01')) to 'payments/2026-01.csv' (header);
copy (from month('2026-02')) to 'payments/2026-02.csv' (header);
copy (from month('2026-03')) to 'payments/2026-03.csv' (header);
copy (from month('2026-04')) to 'payments/2026-04.csv' (header);
copy (from month('2026-05')) to 'payments/2026-05.csv' (header);
copy (from month('2026-06')) to 'payments/2026-06.csv' (header);
copy (from month('2026-07')) to 'payments/2026-07.csv' (header);
copy (from month('2026-08')) to 'payments/2026-08.csv' (header);
copy (from month('2026-09')) to 'payments/2026-09.csv' (header);
copy (from month('2026-10')) to 'payments/2026-10.csv' (header);
copy (from month('2026-11')) to 'payments/2026-11.csv' (header);
copy (from month('2026-12')) to 'payments/2026-12.csv' (header);
