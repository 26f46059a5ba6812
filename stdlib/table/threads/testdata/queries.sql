select * from p
select id, amount * 2 as double, city || '!' as c from p where amount > 100
select card, count(*) as n, sum(cents) as s, min(city) as lo, max(ts) as hi from p group by card
select city, avg(cents) as a, avg(d) as b, sum(d) as e, count(distinct card) as k, median(cents) as m from p group by city
select card, count(amount) as n, bool_or(amount > 1) as any, sum(case when amount > 1 then 1 else 0 end) as s from p group by card
select card, sum(amount) as s from p group by card
select card, avg(amount) as s from p group by card
select card, stddev(cents) as s from p group by card
select card, max(amount) as s from p group by card
select amount, count(*) as n from p group by amount
select card, day, sum(cents) as s from p group by rollup (card, day)
select card, first(city) as x from p group by card
select card, first(city order by id) as x from p group by card
select card, first(city order by ts) as x from p group by card
select card, first(city order by ts, city) as x from p group by card
select card, any_value(city) as x from c group by card
select card, arg_max(city, ts) as x from p group by card
select card, arg_max(city, id) as x from p group by card
select card, list(city) as x from p group by card
select card, list(city order by city) as x from p group by card
select card, string_agg(city, ',' order by city) as x from p group by card
select card, string_agg(city, ',' order by ts) as x from p group by card
select card, list(distinct city order by city) as x from p group by card
select card, mode(city) as x from p group by card
select card, approx_count_distinct(city) as x from p group by card
select card, quantile_cont(cents, 0.9) as x, quantile_disc(day, 0.5) as y from p group by card
select card, quantile_cont(amount, 0.9) as x from p group by card
select card, entropy(city) as x from p group by card
select card, histogram(city) as x from p group by card
select id, sum(amount) as s, first(city) as f from p group by id
select distinct card, city from p
select distinct amount from p
select distinct on (card) card, city, ts from p order by card, ts
select distinct on (card) card, city, ts, id from p order by card, ts, id
select * from p order by ts limit 1000
select * from p order by ts, id limit 1000
select card, sum(cents) as s from p group by card order by s desc limit 10
select card, sum(cents) as s from p group by card order by s desc, card limit 10
select k, v from e order by k, v limit 1000
select k from e order by v limit 1000
select * from p limit 100
select * from (select id, ts from p order by ts, id) limit 100
select id, row_number() over (partition by card order by ts) as n from p
select id, row_number() over (partition by card order by ts, id) as n from p
select k, row_number() over (order by k, v) as n from e
select id, rank() over (partition by card order by ts) as n, dense_rank() over (order by day) as m from p
select id, lag(cents) over (partition by card order by ts) as n from p
select id, lag(cents) over (partition by card order by ts, id) as n from p
select id, first_value(city) over (partition by card order by ts, id) as n from p
select id, sum(cents) over (partition by card) as n, count(*) over (partition by city order by day) as m from p
select id, sum(cents) over (partition by card order by ts range between interval 7 days preceding and interval 1 microsecond preceding) as n from p
select id, sum(cents) over (partition by card order by ts rows between 3 preceding and current row) as n from p
select id, sum(cents) over (partition by card order by ts, id rows between 3 preceding and current row) as n from p
select id, sum(amount) over (partition by card order by ts, id) as n from p
select id, list(city) over (partition by card order by ts, id) as n from p
select * from p qualify row_number() over (partition by card order by ts desc, id) = 1
select * from p qualify row_number() over (partition by card order by ts desc) = 1
select p.id, p.amount, c.max from p join c on p.card = c.card
select p.id, c.max from p left join c using (card) where c.city <> p.city or c.max is null
select p.id, c.max from p full join c on p.card = c.card and p.cents > 5000
select p.id, row_number() over (partition by c.card order by p.ts, p.id) as n from p join c on p.card = c.card
select * from p semi join c on p.card = c.card and c.max > 500
select * from p anti join c on p.card = c.card and c.max > 500
select * from p where card in (select card from c where max > 500)
select * from p where exists (select 1 from c where c.card = p.card and c.max > p.cents)
select id, (select max(max) from c) as m from p
select id, (select max from c where c.card = p.card) as m from p
select id, (select count(*) from c where c.max < p.card) as m from p where id < 1000
select id, (select count(*) from c where c.max < p.amount) as m from p where id < 1000
select p.id, c.max from p asof join c on p.city = c.city and p.cents >= c.max
select p.id, q.id as other from p asof join p q on p.card = q.card and p.ts > q.ts
select id, c.max from p positional join c
select id, card from p union all select max, card from c
select city from p union select city from c
select amount from p union select max from c
select city from p except select city from c
select city, day from p intersect select city, day from p where amount > 10
with s as (select card, sum(cents) as s from p group by card) select p.id, s.s, t.s as o from p join s using (card) left join s t on t.card = s.card + 1
with recursive r as (select 1 as n union all select n + 1 from r where n < 5) select n from r
select id, unnest([1, 2, 3]) as x from p
select id, x from p, unnest([city, 'x']) as u(x)
select id, list_sum(list_transform([1.5, amount], lambda x: x + 1)) as x from p
pivot p on day in ('2024-01-01', '2024-01-02') using sum(cents) group by card
select i, i % 7 as j from range(300000) r(i)
select * from (values (1, 'x'), (2, 'y')) v(i, j)
select id, [amount, 1.0] as x from p
select id, {'a': cents, 'b': city} as x from p
select city collate nocase as x, count(*) as n from p group by x
select * from p using sample 10% (bernoulli, 3)
select count(*) as n from p
select card, count(*) filter (where amount > 3) as n, sum(cents) filter (where flag) as s from p group by card having count(*) > 3
select card, sum(cents::hugeint)::double as s from p group by card
select card, len(list(city)) as x from p group by card
select card, list_sort(list(amount)) as x from p group by card
select card, max(amount)::varchar as s from p group by card
select amount, sum(cents) as s, 1 / amount as o from p group by amount
select card, max(amount) as s from p group by card order by s desc, card limit 10
select a.card, a.m, p.id from (select card, max(amount) as m from p group by card) a join p on p.card = a.card and p.amount = a.m
select card, max(amount) > 3 as s, median(amount) as m from p group by card
select id, max(amount) over (partition by card order by ts) as s from p
