-- Makes the people of this example, who ask for a credit that only those with an income above a limit get.
--
--   cd examples/income/data && duckdb < generate.sql
--
-- Nothing in it is random: every number comes from the MD5 of a seed, a counter and a salt, in integer arithmetic, so
-- the file is the same to the byte wherever it is run. A test holds it to that.
--
-- What is in the data:
--   sex        as many women as men; women have the same schooling, and are paid a quarter less for the same work
--   household  who is a wife or a husband, and most of those who bring up children alone: it knows the sex of most people
--   hours      a few more women work part-time, and in trades that pay less
--   over       whether the income is above the limit, which a third earn

set threads = 1;

-- u is uniform in 0 .. n-1.
create macro u(i, salt, n) as ('0x' || substr(md5('income-5:' || salt || ':' || i), 1, 12))::bigint % n;

-- About normal, with mean 0 and standard deviation 100: the sum of twelve uniform numbers.
create macro bell(i, salt) as list_sum([u(i, salt || k, 101) for k in range(12)]) - 600;

create table people as
select i, u(i, 'sex', 2) as woman, 20 + u(i, 'age', 46) as age, 8 + u(i, 'school', 6) + u(i, 'school+', 6) as school
from range(8000) r(i);

-- Trades 0 .. 5 pay from 70 to 150 percent; of women more are in the first three.
create table jobs as
select *, case when u(i, 'trade side', 100) < if(woman = 1, 53, 47) then u(i, 'trade', 3) else 3 + u(i, 'trade', 3) end as trade,
  case when u(i, 'part time', 100) < if(woman = 1, 18, 14) then 16 + u(i, 'hours', 16) else 36 + u(i, 'hours', 15) end as hours
from people;

-- The income of a year, in currency units: by schooling, experience, trade and hours, and by what nobody can see.
create table paid as
select *, (9000 + 2100 * school + 420 * least(30, greatest(0, age - 6 - school)))
  * [70, 82, 90, 105, 125, 150][trade + 1] // 100 * hours // 40 * (1000 + 2 * bell(i, 'luck')) // 1000
  * if(woman = 1, 76, 100) // 100 as income
from jobs;

copy (
  select i as person, age, school as school_years, ['care', 'retail', 'clerical', 'crafts', 'technology', 'finance'][trade + 1] as trade,
    case when u(i, 'household', 100) < 78 then if(woman = 1, 'wife', 'husband') when u(i, 'household', 100) < if(woman = 1, 92, 80) then 'single parent' else 'single' end as household,
    hours as hours_per_week, 2 + u(i, 'tenure', greatest(1, age - 18)) as years_in_job, if(woman = 1, 'woman', 'man') as sex, (income >= 45000)::int as over
  from paid
  order by i
) to 'people.csv' (header, delimiter ',');
