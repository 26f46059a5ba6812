x: select id, target, target as x from events
x: select id, target, target * 2 as x from events
x: select id, target, avg(target) over (partition by customer) as x from events
x: select id, target, count(*) filter (where target = 1) over (partition by customer) as x from events
x: select id, target, (select count(*) from events b where b.customer = a.customer and b.target = 1) as x from events a
x: select id, target, (select count(*) from events b where b.customer = a.customer and b.ts >= a.ts and b.target = 1) as x from events a
x: select id, target, (select count(*) from events b where b.customer = a.customer and b.target = a.target) as x from events a
x: select id, target, (select max(b.amount) from events b where b.customer = a.customer and b.target <> a.target) as x from events a
x: select id, target, (select b.amount from events b where b.customer = a.customer order by b.target desc, b.id limit 1) as x from events a
x: select id, target, exists (select 1 from events b where b.customer = a.customer and b.target = 1) as x from events a
x: select id, target, customer in (select customer from events where target = 1) as x from events a
x: select id, target, id in (select id from events where target = 1) as x from events a
x: select id, target, id in (select id from events order by target limit 120) as x from events a
x: select id, target, id in (select id from events group by id having max(target) = 1) as x from events a
x: select id, target, amount > all (select amount from events where target = 1) as x from events a
x: select id, target, array(select b.id from events b where b.target = 1)[1] = id as x from events a
x: select e.id, e.target, n.n as x from events e left join (select customer, count(*) as n from events where target = 1 group by customer) n using (customer)
x: select e.id, e.target, n.m as x from events e left join (select customer, max(amount) as m from events where target = 1 group by customer) n using (customer)
x: select e.id, e.target, n.m as x from events e left join (select customer, amount as m from events where target = 1) n using (customer)
x: select e.id, e.target, n.customer is not null as x from events e left join (select distinct customer from events where target = 1) n using (customer)
x: select e.id, e.target, n.n as x from (select customer, count(*) as n from events where target = 1 group by customer) n right join events e using (customer)
x: select e.id, e.target, n.n as x from events e full join (select customer, count(*) as n from events where target = 1 group by customer) n on e.customer = n.customer
x: select e.id, e.target, n.n as x from events e left join (select customer, count(*) as n from again where target = 1 group by customer) n using (customer)
x: select e.id, e.target, (select count(*) from again b where b.customer = e.customer and b.target = 1) as x from events e
x: select e.id, e.target, a.target as x from events e join again a using (id)
x: select e.id, e.target, b.amount as x from events e join events b on e.customer = b.customer and b.target = 1
x: select e.id, e.target, b.amount as x from events e join events b on e.customer = b.customer where b.target = 1
x: select e.id, e.target, b.amount as x from events b join events e on e.customer = b.customer where b.target = 1
x: select e.id, e.target, b.amount as x from events e, events b where e.customer = b.customer and e.target = b.target
x: select e.id, e.target, n.n as x from events e join (select target, country, count(*) as n from events group by target, country) n using (target, country)
x: select e.id, e.target, v.b as x from events e join (values (0, 10), (1, 20)) v(t, b) on e.target = v.t
x: select e.id, e.target, v.b as x from events e left join (values (1, 20)) v(t, b) on e.target = v.t
x: select e.id, e.target, v.b is null as x from events e left join (values (1, 20)) v(t, b) on e.target = v.t
x: select e.id, e.target, v.b as x from events e asof join (values (0, 10), (1, 20)) v(t, b) on e.target >= v.t
x: select id, target, 1 as x from events where target = 1 union all select id, target, 0 from events where target = 0
x: select id, target, amount + 5 as x from events where target = 1 union all select id, target, amount from events where target = 0
x: select id, target, customer as x from events where target = 1 union all select id, target, country from events where target = 0
x: select id, target, x from (select *, 1 as x from events where target = 1 union all by name select * from events where target = 0)
x: select e.id, e.target, count(r.r) as x from events e left join lateral (select unnest(range(e.target)) as r) r on true group by e.id, e.target
x: select id, target, count(*) as x from (select e.id, e.target, r from events e, range(e.target + 1) q(r)) group by id, target
x: select id, target, count(*) as x from (select id, target, unnest(range(target + 1)) as r from events) group by id, target
x: with recursive r as (select id, target, 0 as n from events union all select id, target, n + 1 from r where n < target) select id, target, max(n) as x from r group by id, target
x: select id, target, row_number() over () as x from (select * from events order by target)
x: select id, target, row_number() over (order by target, id) as x from events
x: select id, target, row_number() over (partition by customer) as x from (select * from events order by target)
x: select e.id, e.target, p.x from (select id, target from events order by id) e positional join (select amount as x from events order by target) p
x: select id, target, list_position(l, id) as x from (select id, target, list(id order by target) over (partition by customer) as l from events)
x: select e.id, e.target, list_position(q.l, e.id) as x from events e join (select customer, list(id order by target) as l from events group by customer) q using (customer)
x: select id, target, (list(amount order by target) over (partition by customer))[1] as x from events
x: select id, target, first(amount order by target desc) over (partition by customer) as x from events
x: select id, target, first_value(amount) over (partition by customer order by target desc) as x from events
x: select e.id, e.target, q.amount as x from events e join (select distinct on (customer) customer, amount from events order by customer, target desc) q using (customer)
x: select e.id, e.target, q.amount as x from events e join (select customer, amount from events qualify row_number() over (partition by customer order by target desc, id) = 1) q using (customer)
x: select id, target, count(*) over (partition by customer) as x from events where target = 1 or hash(id) % 4 = 0
x: select id, target, avg(amount) over (partition by customer) as x from (select * from events where target = 1 union all select * from events where target = 0 and amount > 10)
x: select id, target, row_number() over (partition by customer order by id) as x from events where target > 0 or amount > 10
x: select id, target, count(*) over (partition by customer) as x from (select * from events order by target limit 500)
x: select id, target, count(*) over (partition by customer) as x from (select distinct customer, target, any_value(id) as id from events group by all)
x: select e.id, e.target, q.n as x from events e join (select customer, count(*) as n from (select distinct customer, target from events) group by customer) q using (customer)
x: select e.id, e.target, q.n as x from events e join (select customer, count(*) as n from (select customer, target from events union select customer, target from older) group by customer) q using (customer)
x: select e.id, e.target, q.n as x from events e join (select customer, count(*) as n from (select customer, target from events except select customer, 0 from events) group by customer) q using (customer)
x: select e.id, e.target, q.n as x from events e join (select customer, count(*) as n from (select customer, target from events intersect select customer, 1 from events) group by customer) q using (customer)
x: select e.id, e.target, q.n as x from events e join (select customer, count(*) as n from events a semi join (values (1)) v(t) on a.target = v.t group by customer) q using (customer)
x: select e.id, e.target, q.n as x from events e join (select customer, count(*) as n from events a anti join (values (0)) v(t) on a.target = v.t group by customer) q using (customer)
x: select e.id, e.target, q.n as x from events e join (select customer, count(*) as n from events where target in (select 1) group by customer) q using (customer)
x: select e.id, e.target, q.m as x from events e join (select target, avg(amount) as m from events group by target) q using (target)
x: select id, target, avg(amount) over (partition by target) as x from events
x: select e.id, e.target, q.m as x from events e join (select customer, max(n) as m from (select customer, target, count(*) as n from events group by customer, target) group by customer) q using (customer)
x: select e.id, e.target, q.n as x from events e join (select customer, target, count(*) as n from events group by customer, target) q on q.customer = e.customer and q.target = e.target
x key=customer,target: select customer, target, count(*) as x from events group by customer, target
x: select id, target, lag(target) over (partition by customer order by -epoch(ts)) as x from events
x: select id, target, sum(target) over (partition by customer order by -epoch(ts) rows between unbounded preceding and 1 preceding) as x from events
x: select id, target, lag(target) over (partition by customer order by ts desc) as x from events
x: select id, target, lag(target) over (partition by customer order by id) as x from events
x: select id, target, lag(target) over (partition by customer order by hash(id)) as x from events
x: select id, target, lag(target) over (partition by customer order by amount) as x from events
x: select id, target, lag(target) over (partition by customer order by ts::date) as x from events
x: select id, target, lag(target) over (partition by customer order by r) as x from (select *, timestamp '2030-01-01' - (ts - timestamp '2020-01-01') as r from events)
x: select id, target, lag(target, -1) over (partition by customer order by ts) as x from events
x: select id, target, lead(target) over (partition by customer order by ts) as x from events
x: select id, target, x from (select id, target, lag(t2) over (partition by id order by k) as x, k from (select id, target, target as t2, 0 as k from events union all select id, target, 0, 1 from events)) where k = 1
x: select id, target, x from (select id, target, lag(t2) over (partition by id order by ts) as x, k from (select id, target, ts, target as t2, 0 as k from events union all select id, target, ts, 0, 1 from events)) where k = 1
x: with w as (select customer, ts, sum(target) over (partition by customer order by ts rows between unbounded preceding and 1 preceding) as s from events) select e.id, e.target, w.s as x from events e join w using (customer) qualify row_number() over (partition by e.id order by w.ts desc) = 1
x: select a.id, a.target, sum(b.target) over (partition by a.customer order by b.ts rows between unbounded preceding and 1 preceding) as x from events a join events b using (customer) qualify row_number() over (partition by a.id order by b.ts desc) = 1
x: select id, target, sum(target) over (partition by customer order by ts rows between unbounded preceding and current row) as x from events
x: select id, target, sum(target) over (partition by customer) - target as x from events
x: select id, target::boolean as target, avg(target) over (partition by customer) as x from events
x: select id, target > 0 as target, (select count(*) from events b where b.customer = a.customer and b.target = 1) as x from events a
x: select id, case target when 1 then 'yes' else 'no' end as target, target as x from events
x key=customer target=churned: select customer, left_on is not null as churned, count(*) filter (where left_on is not null) over (partition by plan) as x from customers
x key=customer target=churned: select customer, left_on is not null as churned, (select count(*) from customers b where b.plan = a.plan and b.left_on is not null) as x from customers a
x key=customer target=churned: select customer, left_on is not null as churned, left_on is null as x from customers
x key=customer target=churned: select customer, churned, count(*) over (partition by plan) as x from customers where churned or age > 30
x: select id, target, case when target = 1 then amount end as x from events
x: select id, target, struct_pack(c := customer, t := target).t as x from events
x: select id, target, list_filter([amount], v -> target = 1)[1] as x from events
x: select id, target, try(amount / target) is null as x from events
x: select id, target, coalesce(target, 0) = 0 as x from events
x: select id, target, amount = (select max(amount) from events b where b.target = 1) as x from events
x: select e.id, e.target, p.x from events e join (select * from (pivot (select customer, target from events) on target in (1 as x) using count(*) group by customer)) p using (customer)
x: select e.id, l.y as target, (select count(*) from labels b join events c using (id) where c.customer = e.customer and b.y = 'yes') as x from events e join labels l using (id)
x: select e.id, l.y as target, count(*) over (partition by e.customer) as x from events e join labels l using (id) where l.y = 'yes' or e.amount > 10
x: select e.id, e.target, q.n as x from events e join (select customer, count(*) as n from events group by customer having sum(target) > 1) q using (customer)
x: select e.id, e.target, q.n as x from events e left join (select customer, count(*) as n from events group by customer having sum(target) > 1) q using (customer)
x: select id, target, sum(amount) over (partition by customer order by ts rows between target preceding and current row) as x from events
x: select id, target, x from (select e.id, e.target, k, lag(e.target) over (partition by e.id order by e.ts) as x from events e, (values (1), (2)) v(k)) where k = 2
x: select id, target, x from (select id, target, k, lag(target) over (partition by id order by ts) as x from (select e.*, k from events e, (values (1), (2)) v(k))) where k = 2
x: select id, target, x from (select id, target, k, lag(target) over (partition by id order by ts) as x from (select *, unnest([1, 2]) as k from events)) where k = 2
x: select id, target, list_contains((select list(id) from events where target = 1), id) as x from events
x: select id, target, row_number() over (order by ts) - row_number() over (partition by target order by ts) as x from events
x: select e.id, e.target, q.x from events e left join (from events select customer, 1 as x where target = 1) q using (customer)
x: select id, target, map([0, 1], [10, 20])[target] as x from events
x: select id, target, (select v from (values (0, 1), (1, 2)) t(k, v) where k = a.target) as x from events a
x: select id, target, id in (select id from events order by target offset 100) as x from events
x: select id, target, id in (select id from events order by target limit 10 %) as x from events
x: select id, target, count(*) over (partition by customer) as x from (select * from (select * from events order by target) using sample reservoir(100 rows) repeatable (1))
x: select id, target, amount in (select amount from events where target = 1) as x from events
x: select id, target, not exists (from events b where b.customer = a.customer and b.target = 1) as x from events a
x: select id, target, customer = any (select customer from events where target = 1) as x from events a
x: select e.id, e.target, coalesce(q.s, 0) as x from events e left join lateral (select sum(1) as s from events b where b.customer = e.customer and b.target = 1) q on true
x: select id, target, (select count(*) from events b where b.customer = a.customer and case when b.target = 1 then true else false end) as x from events a
x: select id, target, (select count(*) from events b where b.customer = a.customer and b.target::boolean) as x from events a
x: select id, target, (select count(*) from (select *, target = 1 as f from events) b where b.customer = a.customer and f) as x from events a
x: select id, target, (select count(*) from events b where (b.customer, b.target) = (a.customer, 1)) as x from events a
x: select id, target, (select count(*) from events b where (b.customer, 1) in (select (customer, target) from events) and b.id = a.id) as x from events a
x: with f as (select customer from events where target = 1) select id, target, (select count(*) from f where f.customer = e.customer) as x from events e
x: with f as materialized (select * from events where target = 1) select e.id, e.target, count(f.id) as x from events e left join f using (customer) group by e.id, e.target
x: select id, target, sum(case when t = 1 then 1 else 0 end) over (partition by customer) as x from (select *, target as t from events)
x: select e.id, e.target, q.r as x from events e join (select id, row_number() over () as r from (select id from events where target = 1 union all select id from events where target = 0)) q using (id)
x: select id, target, x from (select id, target, 1 as x from events where target = 1 union all (select id, target, 2 from events except select id, target, 2 from events where target = 1))
x: select id, target, first_value(id) over (partition by customer order by case when target = 1 then 0 else 1 end) as x from events
x: select e.id, e.target, q.x from events e positional join (select amount as x from (select * from events order by target)) q
x: select id, target, list_position((select list(id) from (select id from events order by target)), id) as x from events
x: select id, target, strpos((select string_agg(id, ',') from (select id from events order by target)), id) as x from events
x: select id, target, rank() over (order by target) as x from events
x: select id, target, count(*) over (order by target range between unbounded preceding and current row) as x from events
x: select id, target, max(id) over (partition by customer, target) as x from events
x: select e.id, e.target, r.generate_series as x from events e, generate_series(0, e.target) r
x: select e.id, e.target, max(q) as x from events e, unnest(range(e.target + 1)) u(q) group by e.id, e.target
x: select e.id, e.target, count(*) as x from events e join range(2) r(i) on r.i <= e.target group by e.id, e.target
x: select e.id, e.target, count(*) as x from events e join (values (0), (1), (1)) v(t) on v.t = e.target group by all
x: select id, target, lag(target) over (partition by customer order by ts + interval 0 day) as x from events
x: select id, target, lag(target) over (partition by customer order by year(ts)) as x from events
x: select id, target, nth_value(target, 1) over (partition by customer order by ts) as x from events
x: select a.id, a.target, b.x from events a join (select id, lag(target) over (partition by customer order by ts) as x from events) b on a.customer = b.id
x: select id, target, sum(target) over (partition by customer order by ts rows between unbounded preceding and 0 preceding) as x from events
x: select id, target, (select x from (select b.id, lag(b.target, 1) over (order by b.ts) as x from events b) where id > a.id order by id limit 1) as x from events a
x: select e.id, e.target, q.a as x from events e join (select customer, amount as a from events where target = 1 union all select customer, 0 from customers) q using (customer)
x: select e.id, e.target, l.y is not null as x from events e left join (select id, customer as y from events where target = 1) l using (id)
x: select id, target, count(*) over (partition by c) as x from (select *, case when target = 1 then customer end as c from events)
x: select e.id, e.target, a.n as x from events e left join (select customer, count(*) n from again group by customer, target having target = 1) a using (customer)
x: select e.id, e.target, max(amount) filter (where b) over (partition by customer) as x from (select *, target > 0 as b from events) e
