amount: select * from events
amount: select * from events where target is not null
amount: select * from events where not (target is null) and amount > 0
amount: select * from events where target in (0, 1)
amount: select * from events where target = 1 or hash(id) % 10 = 0
amount: select * from events order by target, id
amount: select * from events order by ts limit 1000
x: select id, target, ln(1 + amount) as x from events
x y: select id, target, hour(ts) as x, dayofweek(ts) as y from events
x: select id, target, case when amount > 100 then 'large' else 'small' end as x from events
x: select id, target, coalesce(country, '?') as x from events
x: select id, target, amount / nullif(length(merchant), 0) as x from events
x: select id, target, count(*) over (partition by customer) as x from events
x: select id, target, count(*) over (partition by customer) as x from events where target is not null
x: select id, target, avg(amount) over (partition by customer) as x from events where target is not null and amount > 0
x: select id, target, count(*) filter (where target is not null) over (partition by customer) as x from events
x: select id, target, count(target) over (partition by customer) as x from events
x: select id, target, avg(amount) over (partition by customer order by ts) as x from events
x: select id, target, sum(amount) over (partition by customer order by ts rows between 10 preceding and 1 preceding) as x from events
x: select id, target, sum(amount) over (partition by customer order by ts range between interval 7 days preceding and current row) as x from events
x: select id, target, lag(amount) over (partition by customer order by ts) as x from events
x: select id, target, lag(amount) over (partition by customer order by id) as x from events
x: select id, target, lead(amount) over (partition by merchant order by ts desc) as x from events
x: select id, target, date_diff('hour', lag(ts) over (partition by customer order by ts), ts) as x from events
x: select id, target, row_number() over (partition by customer order by ts) as x from events
x: select id, target, rank() over (partition by customer order by amount desc) as x from events
x: select id, target, ntile(10) over (order by amount) as x from events
x: select id, target, first_value(country) over (partition by customer order by ts) as x from events
x: select id, target, amount - avg(amount) over (partition by merchant) as x from events
x: select id, target, amount / max(amount) over () as x from events
x: select id, target, (amount - avg(amount) over ()) / stddev(amount) over () as x from events
x: select id, target, lag(target) over (partition by customer order by ts) as x from events
x: select id, target, lag(target, 2, 0) over (partition by customer order by ts, id) as x from events
x: select id, target, sum(target) over (partition by customer order by ts rows between unbounded preceding and 1 preceding) as x from events
x: select id, target, avg(target) over (partition by merchant order by ts rows between 100 preceding and 1 preceding) as x from events
x: select id, target, avg(target) over (partition by merchant order by ts range between interval 30 days preceding and interval 1 day preceding) as x from events
x: select id, target, sum(target) over w as x from events window w as (partition by customer order by ts groups between 5 preceding and 1 preceding)
x: select id, target, count(*) filter (where target = 1) over (partition by customer order by ts rows between unbounded preceding and 1 preceding) as x from events
x: select id, target, max(case when target = 1 then amount end) over (partition by customer order by ts rows between unbounded preceding and 1 preceding) as x from events
x: select id, target, coalesce(avg(target) over (partition by customer order by ts asc rows between unbounded preceding and 1 preceding), 0) as x from events
x: select e.id, e.target, c.plan as x from events e join customers c using (customer)
x: select e.id, e.target, c.plan as x from events e left join customers c using (customer)
x: select e.id, e.target, c.age as x from customers c join events e on c.customer = e.customer
x: select e.id, e.target, date_diff('day', c.signup, e.ts) as x from events e join customers c using (customer) where e.target is not null
x: select e.id, e.target, m.category as x from events e join merchants m on e.merchant = m.merchant where e.target in (0, 1)
x y: select e.id, e.target, m.category as x, c.plan as y from events e join merchants m using (merchant) join customers c using (customer)
x: select e.id, e.target, coalesce(m.category, 'none') as x from events e left join merchants m on e.merchant = m.merchant and m.since < e.ts
x: select e.id, e.target, m.merchant is null as x from events e left join merchants m using (merchant)
x: select e.id, e.target, n.n as x from events e left join (select customer, count(*) as n from events group by customer) n using (customer)
x: select e.id, e.target, n.n as x from events e left join (select customer, count(*) as n from events where target is not null group by customer) n using (customer)
x: select e.id, e.target, n.n as x from events e left join (select customer, count(*) as n from events where amount > 100 group by customer) n using (customer)
x: select e.id, e.target, n.a as x from events e join (select merchant, avg(amount) as a from events group by merchant having count(*) > 5) n using (merchant)
x: with n as (select merchant, median(amount) as a from events group by merchant) select e.id, e.target, e.amount / n.a as x from events e join n using (merchant)
x: with w as (select id, lag(amount) over (partition by customer order by ts) as x from events) select e.id, e.target, w.x from events e join w using (id)
x: with w as (select id, lag(target) over (partition by customer order by ts) as x from events) select e.id, e.target, w.x from events e join w using (id)
x: with w as (select *, sum(target) over (partition by customer order by ts rows between unbounded preceding and 1 preceding) as s, count(*) over (partition by customer order by ts rows between unbounded preceding and 1 preceding) as n from events) select id, target, s / nullif(n, 0) as x from w
x: with w as (select *, row_number() over (partition by id order by ts desc) as r from events) select id, target, amount as x from w where r = 1
x: with w as (select *, row_number() over (partition by id order by ts desc) as r from events) select id, target, count(*) over (partition by customer) as x from w where r = 1
x: select id, target, amount as x from events qualify row_number() over (partition by id order by ts desc) = 1
x: select id, target, amount as x from events qualify count(*) over (partition by customer) > 3
x: select distinct id, target, amount as x from events
x: select id, target, count(*) over (partition by customer) as x from (select distinct * from events)
x: select distinct on (id) id, target, amount as x from events order by id, ts desc
x: select id, target, (select count(*) from events b where b.customer = a.customer and b.ts < a.ts) as x from events a
x: select id, target, (select avg(b.amount) from events b where b.merchant = a.merchant) as x from events a
x: select id, target, (select count(*) from events b where b.customer = a.customer and b.ts < a.ts and b.target is not null) as x from events a
x: select id, target, exists (select 1 from events b where b.customer = a.customer and b.ts < a.ts) as x from events a
x: select id, target, customer in (select customer from customers where plan = 'gold') as x from events a
x: select id, target, amount > (select avg(amount) from events) as x from events
x: select id, target, amount as x from events where customer in (select customer from customers where age > 18)
x: select id, target, amount as x from events e semi join customers c on e.customer = c.customer
x: select id, target, amount as x from events e anti join older o on e.id = o.id
x: select id, target, amount as x from events e where not exists (select 1 from older o where o.id = e.id)
x: select id, target, amount as x from events union all select id, target, amount from older
x: select id, target, amount as x from events where target is not null union all select id, target, amount from older where target is not null
x: select id, target, ln(amount) as x from events union all select id, target, ln(amount) from older
x: select id, target, count(*) over (partition by customer) as x from (select * from events union all select * from older)
x: select id, target, lag(amount) over (partition by customer order by ts) as x from (select * from events union all by name select * from older)
x: select id, target, lag(target) over (partition by customer order by ts) as x from (select * from events union all select * from older)
x: select id, target, amount as x from events where target = 1 union all select id, target, amount from events where target = 0 and hash(id) % 5 = 0
x: select id, target, ln(amount) as x from events where target = 1 union all select id, target, ln(amount) from events where target = 0 and hash(id) % 5 = 0
x: (select id, target, amount as x from events where target = 1 order by id limit 100) union all (select id, target, amount as x from events where target = 0 order by id limit 100)
x: select a.id, a.target, b.amount as x from events a left join events b on b.id = a.id || '0'
x: select a.id, a.target, o.amount as x from events a asof left join older o on a.customer = o.customer and a.ts > o.ts
x: select a.id, a.target, b.amount as x from events a asof left join events b on a.customer = b.customer and a.ts > b.ts
x: select a.id, a.target, count(b.id) as x from events a left join events b on a.customer = b.customer and b.ts < a.ts group by a.id, a.target
x: select a.id, any_value(a.target) as target, sum(b.amount) as x from events a left join events b on a.customer = b.customer and b.ts < a.ts group by a.id
x: select id, target, struct_pack(c := customer, t := target).c as x from events
x: select id, target, {'c': customer, 't': target}.c as x from events
x: select id, target, s.c as x from (select id, target, struct_pack(c := country, t := target) as s from events)
x: select id, target, struct_extract(struct_pack(c := country, t := target), 'c') as x from events
x: select id, target, (e).amount as x from events e
x: select id, target, len(list_filter([amount, 2 * amount], v -> v > 10)) as x from events
x: select id, target, list_sum(list(amount) over (partition by customer order by ts rows between 5 preceding and 1 preceding)) as x from events
x: select id, target, string_agg(country, ',') over (partition by customer order by ts) as x from events
x: select id, target, regexp_replace(merchant, '[0-9]+', '') as x from events
x: select id, target, md5(customer) as x from events
x: select id, target, left(country, 1) as x from events where country like 'D%' and target is not null
x: select id, target::boolean as target, amount as x from events
x: select id, target > 0 as target, amount as x from events where target is not null
x: select id, case target when 1 then 'yes' else 'no' end as target, count(*) over (partition by customer) as x from events
x: select id, target, unnest([amount]) as x from events
x: select e.id, e.target, v.b as x from events e join (values ('DE', 1), ('FR', 2)) v(c, b) on e.country = v.c
x: select e.id, e.target, q.n as x from events e, lateral (select count(*) as n from customers c where c.customer = e.customer) q
x: select e.id, e.target, q.amount as x from events e left join lateral (select b.amount from events b where b.customer = e.customer and b.ts < e.ts order by b.ts desc limit 1) q on true
x: with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select e.id, e.target, (select max(n) from r) * e.amount as x from events e
x: select id, target, amount as x from events using sample reservoir(1000 rows) repeatable (1)
x y: select * from (pivot (select e.id, e.target, m.category, e.amount from events e join merchants m using (merchant)) on category in ('food' as x, 'travel' as y) using sum(amount) group by id, target)
x: select e.id, e.target, p.food as x from events e left join (select * from (pivot (select customer, m.category, amount from events join merchants m using (merchant)) on category in ('food') using sum(amount) group by customer)) p using (customer)
x: from events select id, target, amount as x where amount > 0
x: select l.id, l.y as target, e.amount as x from labels l join events e using (id) where l.y in ('yes', 'no')
x: select e.id, l.y as target, e.amount as x from events e left join labels l using (id) where l.y is not null
x: select e.id, l.y as target, c.plan as x from events e join labels l using (id) join customers c using (customer) where l.y <> 'unknown'
x: select e.id, l.y as target, count(*) over (partition by e.customer) as x from events e join labels l on e.id = l.id where l.y is not null
x: select e.id, l.y as target, m.category as x from labels l, events e, merchants m where l.id = e.id and e.merchant = m.merchant and l.y <> 'unknown'
x: select id, target, count(*) over (partition by country, date_trunc('day', ts)) as x from events
x: select id, target, amount / sum(amount) over (partition by customer) as x from events
x: select id, target, dense_rank() over (order by customer) as x from events
x: select id, target, percent_rank() over (partition by country order by amount) as x from events
x: select id, target, last_value(country ignore nulls) over (partition by customer order by ts rows between unbounded preceding and 1 preceding) as x from events
x: select id, target, nth_value(amount, 2) over (partition by customer order by ts) as x from events
x: select id, target, mode(country) over (partition by customer) as x from events
x: select id, target, arg_max(country, ts) over (partition by customer order by ts rows between unbounded preceding and 1 preceding) as x from events
x key=customer target=churned: select c.customer, c.churned, count(*) as x from customers c join events e using (customer) group by c.customer, c.churned
x key=customer target=churned: select c.customer, c.churned, avg(e.amount) as x from customers c left join events e using (customer) group by all
x key=customer target=churned: select customer, churned, age as x from customers where churned is not null
x key=customer target=churned: select customer, left_on is not null as churned, age as x from customers
x key=customer target=churned: select c.customer, c.churned, e.n as x from customers c left join (select customer, count(*) as n from events group by customer) e using (customer)
x key=customer target=churned: with base as (select c.customer, c.churned, count(e.id) as n from customers c left join events e using (customer) group by c.customer, c.churned) select customer, churned, n / (avg(n) over ()) as x from base
x key=customer target=target: select customer, max(target) as target, count(*) as x from events where ts < '2026-01-01' group by customer
x key=customer target=target: select customer, max(target) as target, arg_max(country, ts) as x from events group by customer
x key=customer target=target: select customer, bool_or(target = 1) as target, any_value(country) as x from events group by customer
x: select l.id, l.y as target, lag(l.y) over (partition by e.customer order by e.ts) as x from labels l join events e using (id)
x z: select e.id, e.target, c.plan as z, lag(e.target) over (partition by e.customer order by e.ts) as x from events e left join customers c using (customer)
x: select id, target, lag(amount) over (partition by customer order by ts) as x from events where target in (0, 1)
x: select id, target, count(*) over (partition by customer order by ts rows between unbounded preceding and 1 preceding) as x from events where target in (0, 1)
x: with e as (select * from events where target is not null), m as (select merchant, avg(amount) as a from e group by merchant) select e.id, e.target, e.amount / m.a as x from e join m using (merchant)
x: with e as (select *, row_number() over (partition by id order by ts desc) as rn from events), d as (select * exclude (rn) from e where rn = 1) select id, target, lag(target) over (partition by customer order by ts) as x from d
x: with e as (select * from events union all by name select * from older) select id, target, count(*) over (partition by customer order by ts range between interval 30 days preceding and interval 1 second preceding) as x from e
x: select e.id, e.target, coalesce(n.n, 0) as x from events e left join (select merchant, count(distinct customer) as n from events where country is not null group by all) n on n.merchant = e.merchant
x: select id, target, amount > quantile_cont(amount, 0.9) over (partition by country) as x from events
x: select e.id, e.target, array_length(list(o.amount)) as x from events e left join older o on o.customer = e.customer group by e.id, e.target
x: select id, max(target) as target, max(amount) as x from events group by id
x: select id, target, x from (select id, target, sum(amount) over (partition by customer order by ts) as x from events) where x > 10 and target is not null
x: select * from (select id, target, amount as x from events) natural join (select id, country from events)
x: select id, target, try_cast(merchant as integer) as x from events where isfinite(amount)
x: select id, target, date_part('dow', ts) as x from events order by all limit 100
x: select id, ifnull(target, 0) as target, count(*) over (partition by customer) as x from events
x: select e.id, e.target, e.amount - p.amount as x from events e left join events p on p.id = e.merchant where e.target is not null
x key=customer target=churned: with a as (select customer, count(*) as x from events where ts < '2026-01-01' group by 1) select c.customer, c.churned, a.x from customers c left join a using (customer) where c.churned is not null
x key=customer target=churned: select customer, churned, ntile(4) over (order by age) as x from customers where signup < '2025-01-01'
x: select id, target, any_value(country) over (partition by customer order by ts) as x from events
