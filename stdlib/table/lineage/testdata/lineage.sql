select * from t
select id, x + y as sum from t
select x as a, y as b, x * 2 as c from t where z > 3
select id, case when flag then x else y end as v from t
select id, coalesce(x, y) as v, nullif(x, 3) as n from t
select id, x::varchar || k as v from t
select id, x between y and z as v from t
select id, k in ('a', 'b') as v, x in (1, 2, y) as w from t
select id, k like 'a%' as v, k ilike '%B%' as w from t
select id, not flag as v, flag and x > 3 as w, flag or y > 3 as u from t
select id, x is null as v, k is not null as w from t
select id, -x as v, abs(y) as w, greatest(x, y) as u from t
select id, hour(ts) as h, date_trunc('day', ts) as d, ts + interval 1 day as n from t
select id, extract(epoch from ts)::bigint as e, ts::date as d from t
select id, try_cast(k as integer) as v from t
select id, upper(k) || lower(g) as v, length(k) + x as w from t
select id, substring(k, 1, x) as v from t
select id, round(z, 1) as v, z / nullif(x, 0) as w from t
select id, if(flag, k, g) as v from t
select id, x, y from t order by z
select id, x, y from t order by 2 desc, id
select id, x from t order by all
select id, x from t limit 5
select id, x from t order by y limit 5 offset 2
select id, x from t order by y, id limit (select max(w) from u)
select distinct g, k from t
select distinct on (g) g, x from t order by g, y, id
select distinct x from t order by x
select count(*) as n from t
select count(*) as n, sum(x) as s from t where y > 2
select g, count(*) as n from t group by g
select g, sum(x) as s, avg(z) as a from t group by g order by g
select g, k, max(x) as m from t group by g, k
select g, max(x) as m from t group by all
select g as gg, max(x) as m from t group by gg having m > 2
select g, max(x) as m from t group by 1 having count(*) > 2 order by 2
select g, sum(x) filter (where flag) as s, count(*) filter (where y > 2) as n from t group by g
select g, list(x order by y, id) as l from t group by g
select g, string_agg(k, ',' order by id) as s from t group by g
select g, first(x) as f, last(y) as l, any_value(z) as a from t group by g
select g, arg_max(x, y) as v, arg_min(k, z) as w from t group by g
select g, count(distinct k) as n, approx_count_distinct(x) as a from t group by g
select g, median(x) as m, quantile_cont(z, 0.9) as q, mode(k) as o from t group by g
select g, k, sum(x) as s, grouping(g) as f from t group by rollup (g, k)
select g, flag, count(x) as n from t group by cube (g, flag)
select g, k, sum(x) as s from t group by grouping sets ((g), (k), ())
select x + y as v, sum(z) as s from t group by x + y
select x % 2 as p, count(*) as n from t group by p
select g, x - min(x) over (partition by g) as v from t
select id, row_number() over (order by x, id) as r from t
select id, row_number() over (partition by g order by x, id) as r, y from t
select id, rank() over (order by x) as a, dense_rank() over (order by y) as b from t
select id, percent_rank() over (order by z) as a, ntile(3) over (order by id) as b from t
select id, cume_dist() over (partition by g order by x) as c from t
select id, lag(x) over (order by id) as p, lead(y) over (order by id) as n from t
select id, lag(x, 2, y) over (partition by g order by ts, id) as p from t
select id, first_value(x) over (partition by g order by id) as f, last_value(y) over (partition by g order by id) as l from t
select id, nth_value(k, 2) over (partition by g order by id) as f from t
select id, sum(x) over (partition by g order by id rows between 2 preceding and 1 preceding) as s from t
select id, sum(x) over (order by id rows between unbounded preceding and 1 preceding) as s from t
select id, sum(x) over (order by y range between 2 preceding and current row) as s from t
select id, sum(x) over (order by ts range between interval 1 day preceding and current row) as s from t
select id, avg(x) over w as a, max(y) over w as m from t window w as (partition by g order by id)
select id, sum(x) filter (where flag) over (partition by g) as s from t
select id, count(*) over (partition by k) as n from t
select id, sum(x) over (order by id rows between current row and 1 following exclude current row) as s from t
select id, first_value(x ignore nulls) over (order by id) as f from t
select id, x from t qualify row_number() over (partition by g order by y, id) = 1
select id, x, row_number() over (partition by g order by y, id) as r from t qualify r <= 2
select g, sum(x) as s, rank() over (order by sum(x)) as r from t group by g
select g, sum(sum(x)) over (order by g) as r from t group by g
select id, x, sum(x) over () as total from t
select * exclude (l, s) from t
select * exclude (x, y) replace (z + 1 as z) from t
select * replace (upper(k) as k, x + y as x) from t
select * rename (x as xx) from t
select t.* exclude (ts), u.w from t join u on t.k = u.k
select columns('^[xyz]$') from t
select id, columns(c -> c in ('x', 'y')) * 2 from t
select min(columns('^[xy]$')) from t
select id, coalesce(*columns('^[xy]$')) as v from t
select t.id, t.x, u.w from t join u on t.k = u.k
select t.id, u.w from t left join u on t.k = u.k and t.x > u.x
select t.id, u.w from t right join u on t.k = u.k
select t.id, u.w, t.k as tk, u.k as uk from t full join u on t.k = u.k
select id, k, w from t join u using (k)
select * exclude (ts) from (select id, k, x as tx from t) join u using (k)
select id, k, w from t left join u using (k)
select k, id, w from t right join u using (k)
select k, id, w from t full join u using (k)
select k, id, w from (select id, k from t) natural join u
select * from (select id, k from t) natural left join (select k, w from u)
select t.id, u.w from t, u where t.k = u.k and t.y > 2
select t.id, u.w from t cross join u where t.x = u.x
select t.id, t.x from t semi join u on t.k = u.k and t.x < u.x
select t.id, t.x from t anti join u using (k)
select t.id, u.w from t positional join u
select t.id, t.x, u.w from t asof join u on t.k = u.k and t.ts >= u.ts
select t.id, u.w from t asof left join u on t.k = u.k and t.ts > u.ts
select id, w from t asof join u on t.k = u.k and t.ts >= u.ts
select a.id, b.x from t a join t b on a.id = b.id + 1
select a.id, sum(b.x) as s from t a left join t b on a.g = b.g and b.ts < a.ts group by a.id
select j.id, j.w from (t join u on t.k = u.k) as j
select q.a, q.b from t as q(a, b)
select q.a, q.b from (select x, y from t) as q(a, b)
select v from (select x + y as v, z from t) where z > 2
select s.a as a, s.b as b from t
select id, s.a + x as v from t
select id, s['b'] as v, struct_extract(s, 'a') as w from t
select id, (s).a as v, t.s.a as w from t
select s.* from t
select id, row(x, k)::varchar as r from t
select unnest(s), id from t
select id, l[1] as a, l[x] as b, l[1:2] as c from t
select id, len(l) as n, list_sum(l) as s, list_contains(l, x) as c from t
select id, unnest(l) as e from t
select id, x, unnest(l) as e, unnest([y, y + 1]) as f from t
select id, e from t, unnest(l) as q(e)
select t.id, q.e + t.x as v from t cross join lateral (select unnest(t.l) as e) q
select id, list_transform(l, e -> e + x) as m from t
select id, list_transform(l, lambda e: e * 2) as m from t
select id, list_filter(l, e -> e > y) as m from t
select id, [e + x for e in l if e > 1] as m from t
select id, list_reduce(l, (a, b) -> a + b) as m from t where len(l) > 0
select id, list_transform(l, (e, i) -> e + i) as m from t
select id, list_transform(l, e -> list_transform([x, y], f -> f + e)) as m from t
select id, {'a': x, 'b': k} as st, [x, y] as li from t
select id, struct_pack(p := x, q := y).p as v from t
select id, list_distinct(l) as d, list_concat(l, [x]) as c from t
select id, map {'a': x, 'b': y} as m from t
select id, map {'a': x, 'b': y}['a'] as m from t
select id, t as r from (select id, x from t) t
select id, list_sort(l) as a, array_to_string(l, '-') || k as b from t
with a as (select id, x + 1 as v from t) select * from a
with a as (select id, x from t), b as (select id, y from t where z > 2) select a.id, x, y from a join b using (id)
with a(p, q) as (select x, y from t) select p + q as v, p from a
with a as (select x, y from t), b as (select x as y, y as x from a) select x, y from b
with t as (select id, x as y, y as x from t) select x, y from t
with a as materialized (select id, x from t) select id, x from a union all select id, -x from a
with a as not materialized (select id, x from t where flag) select count(*) as n, max(x) as m from a
with a as (with b as (select id, x from t) select id, x * 2 as v from b) select v, id from a
with recursive r as (select x as v, 1 as n from t union all select v + 1, n + 1 from r where n < 3) select v, n from r
with recursive r(v, n) as (select id, x from t union select v + 1, n from r where v < 5) select * from r
with recursive r as (select id, x, y, 0 as n from t union all select id, y, x, n + 1 from r where n < 2) select id, x, n from r
with recursive r as (select id, x as a, 0 as n from t union all select r.id, u.w, n + 1 from r join u on u.x = r.a where n < 1) select id, a from r
select x as v from t union all select w from u
select x as v, k as n from t union select w, k from u
select x as v from t except select x from u
select x as v from t intersect select x from u
select x as v from t except all select x from u
select id, x from t union all by name select x, w from u
select x, y from t union by name select y, x from t
(select id, x from t order by y, id limit 3) union all (select w, x from u) order by 1
select x as v from t union all select w from u order by v limit 4
select * from (select x as a, y as b from t union all select w, x from u) where a > 2
values (1, 2), (3, 4)
select t.id, v.a from t join (values (1, 'p'), (2, 'q')) v(a, b) on t.x = v.a
select t.id, v.a from t, lateral (values (t.x), (t.y)) v(a)
select t.id, q.v from t, lateral (select t.x + 1 as v) q
select t.id, q.m from t, lateral (select max(w) as m from u where u.k = t.k) q
select t.id, q.w from t left join lateral (select w from u where u.k = t.k order by u.ts, u.w limit 1) q on true
select id, (select max(w) from u) as m from t
select id, (select max(u.w) from u where u.k = t.k) as m from t
select id, (select count(*) from u where u.x > t.x) as n from t
select id, (select sum(u.w + t.y) from u where u.k = t.k) as n from t
select id, exists (select 1 from u where u.k = t.k) as e from t
select id, exists (select 1 from u where u.k = t.k and u.w > t.y) as e from t
select id, not exists (select 1 from u where u.x = t.x) as e from t
select id, x in (select w from u) as e from t
select id, x not in (select w from u where w is not null) as e from t
select id, x > any (select w from u where w is not null) as e, x >= all (select x from u where x is not null) as f from t
select id, x from t where x in (select x from u)
select id, x from t where exists (select 1 from u where u.k = t.k and u.w > 2)
select id, x from t where y > (select avg(w) from u where u.k = t.k)
select id, x from t where (x, y) in (select x, w from u)
select id, array(select w from u where u.k = t.k order by w, u.x) as l from t
select id, (select count(*) from t b where b.g = a.g and b.ts < a.ts) as n from t a
select id, (select (select max(w) from u where u.x > t.x and u.k = b.k) from u b where b.k = t.k order by b.ts, b.w limit 1) as n from t
select g, (select max(w) from u where u.k = min(t.k)) as m from t group by g
select x as a, a + 1 as b, b * y as c from t
select x as y, y + 1 as v from t
select x + 1 as a from t where a > 2
select id, x + y as s from t order by s, id
select g, sum(x) as x from t group by g having sum(x) > 3 order by x
select #1, #4 as b from (select id, k, g, x from t)
select * from (pivot (select g, flag, x from t) on flag in (true, false) using sum(x) group by g)
select * from (pivot (select g, flag, x, y from t) on flag in (true, false) using sum(x) as s, max(y) as m group by g)
select g from (pivot (select g, k, x from t) on k in ('a', 'b') using count(*) group by g)
select * from (pivot (select g, k, x from t) on k in ('a', 'b') using max(x))
select * from (unpivot (select id, x, y from t) on x, y into name n value v)
select id, v from (unpivot (select id, k, x, y from t) on x, y into name n value v)
from t select id, x where y > 2
from t select g, count(*) as n group by g
select id, range(x) as r from t where x is not null
select t.id, r.range as e from t, range(3) r
select t.id, e from t, range(t.x) q(e)
select i, t.id from generate_series(1, 2) s(i), t
select id, v from t, unnest([x, y]) q(v)
select id, hash(k) as h, md5(k) as m from t
select id, strftime(ts, '%Y') as a, epoch_us(ts) as e from t
select id, regexp_extract(k, '[a-z]') as r, regexp_matches(g, k) as m from t
select id, to_json(s)::varchar as j from t
select id, json_extract(to_json(s), '$.a')::varchar as j from t
select id, (to_json(s) -> '$.a')::varchar as j, to_json(s) ->> 'b' as v from t
select id, k collate nocase = 'A' as e from t
select id, x as "a b", "y" as "select" from t
select T.ID, T.X from t as T
select main.t.id as id, main.t.x as v from t
select id, case x when 1 then y when 2 then z else 0 end as v from t
select id, min(x) over (partition by k) + y as v from t
select a.id, b.m from t a join (select g, max(x) as m from t group by g) b on a.g = b.g
select g, max(v) as m from (select g, x + lag(x) over (order by id) as v from t) group by g
select id, v from (select id, sum(x) over (partition by g order by id) as v from t) where v > 3
select t.id, u.w from t join u on t.k = u.k or t.x = u.x
select t.id, u.w, u2.w as w2 from t join u on t.k = u.k left join u u2 on u2.x = t.x and u2.w > u.w
select id, k, u.w, v.w as w2 from t join u using (k) join u v using (k)
select count(*) as n from (select distinct g, flag from t)
select g, histogram(x) as h from t where x is not null group by g
select g, list(distinct k order by k) as ks from t group by g
select g, sum(distinct x) as s, bool_or(flag) as b from t group by g
select g, corr(x, y) as c, regr_slope(x, z) as r from t group by g
select g, max_by(x, y) as v, min(x, 2) as lowest from t group by g
select g, wavg(z, y) as v from t group by g
select id, trim(k) as v, k[1] as f, left(k, x) as w from t
select id, concat(k, x, flag) as v, concat_ws('-', g, k) as w from t
select id, x from t using sample reservoir(5 rows) repeatable (7)
select id, x from (select * from t order by y, id limit 6)
select id, (select s.a) as v from t
select id, (select e from unnest(l) q(e) order by e limit 1) as v from t
select id, (select sum(e * x) from unnest(l) q(e)) as v from t
select id, list_zip(l, [x, y])::varchar as v from t
select id, generate_subscripts(l, 1) as i from t
select g, count(*) as n, count(*) * 100.0 / sum(count(*)) over () as share from t group by g
select id, x, y from t where random_col > 2 or x > 1
select distinct x % 3 as m, first(id) over (partition by x % 3 order by id) as f from t
select id, ts at time zone 'UTC' as v from t
select k, count(*) as n from (select k from t union all select k from u) group by k
select a.k, a.n, b.m from (select k, count(*) as n from t group by k) a full join (select k, max(w) as m from u group by k) b using (k)
select *, x = max(x) over (partition by g) as is_max from t
select t.id, t.x from t join (select distinct k from u) q on t.k = q.k
select id, fill(x) over (order by id) as v from t
select id, cast(x as decimal(9, 2)) as d, cast(flag as integer) as f from t
select id, least(x, y, z) as v, x // 2 as w, x ** 2 as p, x & y as b from t
select id, date_diff('hour', lag(ts) over (partition by g order by ts, id), ts) as gap from t
select id, sum(x) over (partition by g order by ts, id groups between 2 preceding and 1 preceding) as v from t
select greatest(*columns(['x', 'Y'])) as v from t
select least(*columns('(?i)^[XY]$')) as v from t
select id, coalesce(*columns('^[^a-wy-z_]$')) as v from t
select id, columns('^[xy]$') as '\0_more' from t
select columns(* exclude (l, s, ts)) from t
select t.id, coalesce(*columns('^[wz]$')) as v from t join u using (k)
select id, struct_pack(*columns('^x$')) as v from t
select id from t where coalesce(*columns('^[xy]$')) > 3
select id, list_sum([*columns('^[xy]$')]) as v from t
select id, columns('.*_col') + 1 from t
select coalesce(*columns(t.* exclude (l, s, ts, k, g, z, flag))) as v from t join u using (k)
select t.id, greatest(*columns('^(x|w)$')) as v from t join u using (k)
select coalesce(*columns('^k$')) as v from t full join u using (k)
select * rename (t.x as v) from t
select t.* rename (t.x as v, k as w) from t join u on t.k = u.k
select * rename (u.x as v, u.k as uk, u.ts as uts) from t join u on t.k = u.k
select * replace (t.x + 1 as x) from t
select * exclude (u.x, u.k, u.ts) from t join u on t.k = u.k
select * exclude (t.x, t.k, t.ts) from t join u on t.k = u.k
select * exclude (x) from t
select t.* exclude (x, y) from t join u on t.k = u.k
select * exclude (t.ts, u.x) from t join u using (k)
select id, #2 as v from t
select s.* from t
select {'a': x, 'b': y}.a as v, {'a': x, 'b': y}.b as w from t
select struct_pack(a := x, b := y).b as v, struct_pack(a := x, b := y)['a'] as w from t
select struct_extract(s, 'a') as v from t
select q.a as v, q.b as w from (select struct_pack(a := x, b := z) as q from t) r
select r.x as v from (select t as r from t) q
select id, list_transform(l, (e, i) -> e * i + y) as v from t
select id, list_reduce(l, (a, b) -> a + b + x, 0) as v from t
select id, list_filter(l, e -> e > x) as v from t
select id, list_transform(l, x -> x + 1) as v from t
select id, k = null as v, x is not distinct from null as w from t
select id, x from t where k = null or y > 3
select id, x from t where null = k or y > 3
select id, x from t where x is not distinct from null
select id, x from t where null is not distinct from x
select t.id, u.w from t join u on t.k is not distinct from u.k
select t.id, u.w from t join u on t.x + 1 = u.x
select t.id, u.w from t join u on t.x = u.x + 1
select t.id, u.w from t natural join u
select k, x, w from t natural join u
select q.k, q.w from (select k, x + 1 from t) p natural join u q
select id, x from t union all select w, x from u
select x as v from t union all select x from u
select x + 1 as v from t where y > 3 union all select x + 1 from t where y <= 3
select x + 1 as v from t where y > 3 union all select x + 1 as v2 from t where y <= 3
select x + 1 as v from t where y > 3 union all select y + 1 from t where y <= 3
select id, x as v from t where y > 3 union all select id, y from t where y <= 3 union all select id, x from t
select unnest(l) as v from t where y > 3 union all select unnest(l) from t where y <= 3
select x + 1 as v from (select * from t) q where y > 3 union all select x + 1 from (select * from t) q where y <= 3
select id, x as v from t union all by name select w as v, x as z from u
select id, x as v from t union by name select w as v, x as id from u
select id, x + 1 from t union all by name select w as id, x as z from u
select id, x from t intersect select w, x from u
select id, x from t except all select w, x from u
select x, x as z from t union all select w, x from u
with recursive r(a, b) as (select id, x from t where id < 3 union all select a + 1, b from r where a < 4) select a, b from r
with recursive r as (select id as a, x as b, y as c from t where id < 3 union all select a + 1, c, b from r where a < 4) select a, b, c from r
with r(a) as (select x from t) select a from r
with t as (select x as k, y from t) select k, y from t
select q.a, q.b from (select x, y, z from t) q(a, b)
select i, x from t, range(3) r(i)
select i, j, x from t, unnest([1, 2]) r(i), generate_series(1, 2) s(j)
select id, i from t, range(x) r(i)
select id, i from t, unnest(l) r(i)
select id, generate_subscripts(l, 1) as i from t
select id, range as i from t, range(2)
select g, count(distinct x) as n, count(x) as m from t group by g
select id, count(distinct x) over (partition by g) as n, count(x) over (partition by g) as m from t
select g, arg_max(x, ts) as v, mode(k) as m from t group by g
select id, avg(x) over (order by ts range between to_days(2) preceding and to_hours(1) preceding) as v from t
select id, avg(x) over (order by ts range between to_days(2) preceding and to_hours(0) preceding) as v from t
select id, avg(x) over (order by ts rows between 2 preceding and 0 preceding) as v from t
select id, first_value(x order by y, id) over (partition by g order by ts, id) as v from t
select id, max(x) over (order by ts range between to_days(y) preceding and current row) as v from t
select id, x from t order by y limit 3 offset 1
select id, (select w from u where u.k = t.k order by w, x limit 1) as v, exists (select 1 from u where u.k = t.k) as e from t
select id, (select count(*) from u) as n, x > all (select w from u) as a, x = any (select x from u) as b from t
select id, case when x in (select x from u where w > 2) then y end as v from t
select columns('^[xy]$') + 1 from t
select min(columns('^[xy]$')) from t
select columns(['x', 'y']) from t
select count(distinct columns('^[xy]$')) from t
select id, coalesce(*columns('^[xy]$')) as v from t
select a.id, b.x as v from t a join t b on a.id = b.id
select a.id, b.x as v from t a join t b on a.g = b.g and a.id = b.id
select a.id, b.x as v from t a left join t b on a.id = b.id and b.y > 3
select a.id, sum(b.x) as v from t a join t b on a.g = b.g group by a.id
select v from (select * rename (t.x as v) from t) q
select v, w from (select t.* rename (t.x as v, k as w) from t join u on t.k = u.k) q
select v from (select * rename (u.x as v, u.k as uk, u.ts as uts) from t join u on t.k = u.k) q
select x, v from (select * rename (u.x as v, u.k as uk, u.ts as uts) from t join u on t.k = u.k) q
select x, tk from (select * rename (t.x as v, t.k as tk, t.ts as tts) from t join u on t.k = u.k) q
select x from (select * exclude (u.x, u.k, u.ts) from t join u on t.k = u.k) q
select x, w from (select * exclude (t.x, t.k, t.ts) from t join u on t.k = u.k) q
select x from (select * exclude (t.ts, u.x) from t join u using (k)) q
select q.x as v, q.row.y as w from (select x, t as row from t) q
select id, lag(x) over (order by ts) as v from (select t.id, t.x, t.ts from t join u on t.k = u.k) q
select id, lag(x) over (order by ts) as v from (select id, x, ts from t union all select id, y, ts from t) q
select id, lag(x) over (order by ts) as v from (select id, x, ts from t where y > 3 union all select id, x, ts from t where y <= 3) q
select id, lag(x) over (order by ts) as v from (select id, unnest(l) as x, ts from t) q
select id, lag(e.x) over (order by t.ts) as v from t join u e on t.k = e.k
select id, lag(t.x) over (order by e.ts) as v from t join u e on t.k = e.k
select id, lag(x) over (order by ts) + lag(y) over (order by z) as v from t
select id, lag(x) over (order by ts) + lag(y) over (order by ts) as v from t
select id, lag(v) over (order by z, id) as w from (select id, z, lag(x) over (order by ts) as v from t) q
select a, b from (with recursive r(a, b, c, n) as (select x, y, z, 0 from t union all select b, c::integer, z, n + 1 from r, t where n < 3 and r.n = t.id) select a, b from r) q
select id, max(x) over (partition by g order by ts range between to_days(2) preceding and to_days(trunc(1)::integer) preceding) as v from t
select id, mode(x order by y) over (partition by g) as v from t
select k as a, w from t join u using (k) where t.k > 'a'
select k, w from t left join u using (k)
select v.k from (select k, unnest(l) as e from t) v natural join u
