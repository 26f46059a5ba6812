-- Makes the sales of this example: six bakeries, two years of days.
--
--   cd examples/demand/data && duckdb < generate.sql
--
-- Nothing in it is random: every number comes from the MD5 of a seed, a counter and a salt, in integer arithmetic, so
-- the file is the same to the byte wherever it is run. A test holds it to that.
--
-- What is in the data:
--   week         Saturdays sell most, and each bakery has a week of its own: by a station, in a suburb
--   year         December and Easter are high, August is low
--   growth       one bakery grows, one is losing its customers to a new competitor since July 2025
--   promotions   known weeks ahead, a week each, by half more; a little less in the week after
--   closed       on holidays and Sundays of some bakeries nothing is sold: a row of 0

set threads = 1;

-- u is uniform in 0 .. n-1.
create macro u(i, salt, n) as ('0x' || substr(md5('demand-3:' || salt || ':' || i), 1, 12))::bigint % n;

-- About normal, with mean 0 and standard deviation 100: the sum of twelve uniform numbers.
create macro bell(i, salt) as list_sum([u(i, salt || k, 101) for k in range(12)]) - 600;

create table shops as
select * from (values
  -- by weekday from Monday, in percent; growth a year, in percent
  (0, 'castle',  180, [ 95,  90,  92,  98, 115, 150,   0],   4),
  (1, 'harbour',  90, [ 80,  82,  85,  90, 120, 170, 120],  25),
  (2, 'market',  240, [ 90,  88,  95, 100, 125, 165,   0],   2),
  (3, 'park',     70, [ 85,  85,  88,  92, 105, 140, 150],   6),
  (4, 'station', 310, [125, 122, 120, 120, 128,  60,  50],   0),
  (5, 'suburb',  120, [ 85,  84,  86,  95, 118, 160,  95],   3)
) t(s, shop, base, week, growth);

create macro of_year(month) as [94, 96, 100, 106, 102, 98, 90, 82, 97, 101, 104, 122][month];

create macro is_holiday(d) as d in (date '2024-01-01', date '2024-03-29', date '2024-04-01', date '2024-05-01', date '2024-10-03', date '2024-12-25', date '2024-12-26',
  date '2025-01-01', date '2025-04-18', date '2025-04-21', date '2025-05-01', date '2025-10-03', date '2025-12-25', date '2025-12-26');

create table days as
select (date '2024-01-01' + n::int) as day, n, n // 7 as week_number from range(731) r(n);

create table calendar as
select s, shop, base, week, growth, day, n,
  is_holiday(day) as holiday,
  u(s * 1000 + week_number, 'promotion', 9) = 0 as promotion,
  u(s * 1000 + week_number - 1, 'promotion', 9) = 0 as after_promotion
from shops, days;

create table expected as
select *, base * 100 * week[isodow(day)] // 100 * of_year(month(day)) // 100 * (36500 + growth * n) // 36500
  * case when promotion then 150 when after_promotion then 92 else 100 end // 100
  * case when shop = 'castle' and day >= date '2025-07-01' then 100 - least(35, date_diff('day', date '2025-07-01', day) // 4) else 100 end // 100 as cents
from calendar;

copy (
  select day, shop, promotion::int as promotion, holiday::int as holiday,
    case when holiday then 0 else greatest(0, (cents * (1000 + bell(s * 1000 + n, 'noise')) // 1000 + 50) // 100) end as units
  from expected
  order by day, shop
) to 'sales.csv' (header, delimiter ',');
