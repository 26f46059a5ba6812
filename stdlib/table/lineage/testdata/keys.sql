select p.id, p.amount, c.max from p join c on p.card = c.card
select p.id, p.amount, c.max from p left join c on p.card = c.card
select p.id, c.max, d.size from p join c on p.card = c.card join d on c.city = d.city
select p.id, c.max, d.size from p left join c on p.card = c.card left join d on c.city = d.city where d.size > 3
select p.id, p.amount, c.max from p join c on p.card = c.card where c.max > 3
select p.id, p.amount from p join c on p.card = c.card and c.max > p.amount
select c.card, c.max, p.amount from c join p on c.card = p.card
select a.id, a.amount, b.amount as other from p a join p b on a.id = b.id where b.amount > 3
select a.id, a.amount, b.amount as other from p a join p b on a.id = b.id and a.card = b.card where b.amount > 3
select a.id, a.amount, b.amount as other from p a join p b on a.card = b.card where b.amount > 3
select a.id, a.amount, b.amount as other from p a left join p b on a.id = b.id where b.amount > 3
select a.id, b.amount as other from p a join p b on a.card = b.card and a.ts > b.ts
select p.id, v.day, c.max from p join v on p.card = v.card join c on v.card = c.card
select p.id, v.spent from p join v on p.card = v.card and p.day = v.day
select p.id, v.spent from p join v on p.card = v.card
select p.id, v.spent from p left join v on p.card = v.card and p.day = v.day where v.spent > 3
select v.card, v.day, v.spent, c.max from v join c on v.card = c.card where c.city = 'x'
select v.card, c.max from v join c on c.card = v.card and c.city = v.day
select p.id, c.max from p, c where p.card = c.card and c.max > 3
select p.id, c.max from p cross join c
select p.id, c.max, e.max as other from p join c on p.card = c.card join c e on p.id = e.card
select p.id, q.n from p join (select card, count(*) as n from p group by card) q on p.card = q.card
select p.id, q.top from p join (select card, max(amount) as top from p where day > 3 group by card) q on p.card = q.card
select p.id, q.amount from p join (select id, amount from p where day > 3) q on p.id = q.id
select p.id, sum(p.amount) over (partition by p.card order by p.ts range between 3 preceding and 1 preceding) as v, c.max from p join c on p.card = c.card
select p.id, sum(p.amount) over (partition by p.card order by b.ts range between 3 preceding and 1 preceding) as v from p join p b on p.id = b.id
select p.id, sum(p.amount) over (partition by p.card order by b.ts range between 3 preceding and 1 preceding) as v from p join p b on p.card = b.card
select p.id, lag(p.amount) over (partition by p.card order by p.ts) as v, c.max from p left join c on p.card = c.card where c.max > 3
select distinct id, card from p
select distinct card, max from c
select distinct card, max from c join d on c.city = d.city
select distinct city, max from c
select card, max from c intersect select card, max from c where max > 3
select city, max from c intersect select city, max from c where max > 3
select p.id from p semi join c on p.card = c.card and c.max > 3
select p.id, p.amount from p anti join c on p.card = c.card
select p.*, c.* exclude (card) from p join c using (card)
select * from p join c using (card) join d using (city)
select p.id, c.max from p full join c on p.card = c.card
select p.id, c.max from p asof join c on p.card = c.card and p.amount >= c.max
select id, sum(amount) over (partition by card order by ts range between 3 preceding and 1 preceding) as v from (select p.id, p.card, p.amount, p.ts from p join c on p.card = c.card) q
select id, sum(amount) over (partition by card order by ts range between 3 preceding and 1 preceding) as v from (select p.id, p.card, p.amount, p.ts from p join v on p.card = v.card) q
select id, sum(amount) over (partition by card order by ts range between 3 preceding and 1 preceding) as v from (select p.id, p.card, p.amount, p.ts from p join v on p.card = v.card and p.day = v.day) q
select id, sum(amount) over (partition by card order by ts range between 3 preceding and 1 preceding) as v from (select p.id, p.card, p.amount, p.ts from p left join c on p.card = c.card left join d on c.city = d.city) q
select id, sum(amount) over (partition by card order by ts range between 3 preceding and 1 preceding) as v from (select p.id, p.card, p.amount, p.ts from p, c) q
select id, sum(amount) over (partition by card order by ts range between 3 preceding and 1 preceding) as v from (select p.id, p.card, p.amount, p.ts from p join c on p.card < c.card) q
select id, sum(amount) over (partition by card order by ts range between 3 preceding and 1 preceding) as v from (select p.id, p.card, p.amount, p.ts from p join p o on p.id = o.id) q
select id, sum(amount) over (partition by card order by ts range between 3 preceding and 1 preceding) as v from (select p.id, p.card, p.amount, p.ts from p left join p o on p.id = o.id) q
select id, sum(amount) over (partition by card order by ts range between 3 preceding and 1 preceding) as v from (select p.id, p.card, p.amount, p.ts from p join p o on p.card = o.card) q
select p.id, sum(p.amount) over (partition by p.card order by c.max range between 3 preceding and 1 preceding) as v from p join c on p.card = c.card
select p.id, sum(p.amount) over (partition by p.card order by c.max range between 3 preceding and 1 preceding) as v from p left join c on c.card = p.card
select p.id, sum(p.amount) over (partition by p.card order by v.day range between 3 preceding and 1 preceding) as v from p join v on p.card = v.card and p.day = v.day
select p.id, sum(p.amount) over (partition by p.card order by v.day range between 3 preceding and 1 preceding) as v from p join v on p.card = v.card
select p.id, sum(p.amount) over (partition by p.card order by d.size range between 3 preceding and 1 preceding) as v from p join c on p.card = c.card join d on c.city = d.city
select c.card, sum(c.max) over (order by p.ts range between 3 preceding and 1 preceding) as v from c join p on c.card = p.card
select c.card, sum(p.amount) over (partition by c.city order by p.ts range between 3 preceding and 1 preceding) as v from c join p on c.card = p.card
select c.card, sum(c.max) over (order by c.max range between 3 preceding and 1 preceding) as v from c join p on c.card = p.card and c.max = p.amount
select v.card, v.day, sum(v.spent) over (partition by v.card order by v.day range between 3 preceding and 1 preceding) as s, c.max from v join c on v.card = c.card
select p.id, p.amount + o.amount as sum from p join p o on p.id = o.id
select p.id, o.amount * 2 as twice from p join p o on p.card = o.card
select p.id, p.amount + c.max as sum, c.max as limit_ from p join c on p.card = c.card
select p.id, q.* exclude (id) from p join (select * from p) q on p.id = q.id
