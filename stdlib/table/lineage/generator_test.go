package lineage_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes queries over the oracle's tables that yield id, y and one column or more.
type generator struct {
	r     *rand.Rand
	shape string // what it made
}

func (g *generator) pick(of ...string) string { return of[g.r.IntN(len(of))] }

// cond is a condition on a row of e under an alias; about every second asks for the target.
func (g *generator) cond(e string) string {
	return strings.ReplaceAll(g.pick("#.y = 1", "#.y is not null", "#.a > 3", "#.y = 0 or #.a > 4", "not (#.y is null) and #.a < 7", "#.g <> 'm'",
		"#.y is distinct from null", "#.y in (1, 2)", "#.c < 't'", "coalesce(#.y, 0) = 0", "#.id % 3 <> 0", "(#.y is null) = (#.a > 100)"), "#", e)
}

// table is something with the columns of e, one row for each id or fewer.
func (g *generator) table() string {
	switch g.r.IntN(11) {
	case 0:
		return "(select * from e where " + g.cond("e") + ")"
	case 1:
		return "(select * from e order by " + g.order("e") + " limit 18)"
	case 2:
		return "(select * from e qualify row_number() over (partition by c order by " + g.order("e") + ") <= 3)"
	case 3:
		return "(select distinct on (c, g) * from e order by c, g, " + g.order("e") + ")"
	case 4:
		return "(select * from e where " + g.cond("e") + " union all select * from e where not coalesce(" + g.cond("e") + ", false) and id % 2 = 0)"
	case 5:
		return "(select * from e except select * from e where " + g.cond("e") + ")"
	case 6:
		return "(select * from e semi join d on e.g = d.g and " + g.pick("d.w > 1", "e.y < d.w", "e.a < d.w") + ")"
	case 7:
		return "(select * from e where id in (select id from e where " + g.cond("e") + "))"
	case 8:
		return "(select * from e order by " + g.order("e") + ")"
	}
	return "e"
}

// order is a total order of e.
func (g *generator) order(e string) string {
	return strings.ReplaceAll(g.pick("#.ts", "#.id", "#.y, #.id", "#.a, #.id", "#.ts desc", "-epoch(#.ts)", "#.y desc nulls last, #.ts"), "#", e)
}

// aggregate is a call over rows of e.
func (g *generator) aggregate(e string) string {
	return strings.ReplaceAll(g.pick("count(*)", "sum(#.a)", "max(#.a)", "count(#.y)", "sum(#.y)", "count(*) filter (where #.y = 1)", "list(#.a order by #.id)",
		"list(#.a order by #.y, #.id)", "first(#.a order by #.y desc, #.id)", "count(*) filter (where #.y is not null)", "arg_max(#.a, #.id)", "count(distinct #.g)",
		"string_agg(#.g, '' order by #.ts)", "min(#.a) filter (where "+g.cond("#")+")"), "#", e)
}

// window is a call with its window over rows of e.
func (g *generator) window(e string) string {
	part := strings.ReplaceAll(g.pick("", "partition by #.c ", "partition by #.g ", "partition by #.y "), "#", e)
	by := "order by " + g.order(e)
	switch g.r.IntN(6) {
	case 0:
		return strings.ReplaceAll(g.pick("lag(#.a)", "lag(#.y)", "lag(#.y order by #.ts desc, #.id)", "lead(#.a)", "lag(#.y, 2)", "row_number()", "first_value(#.a)", "rank()"), "#", e) + " over (" + part + by + ")"
	case 1:
		return strings.ReplaceAll(g.pick("count(*)", "sum(#.a)", "sum(#.y)"), "#", e) + " over (" + part + by + " rows between unbounded preceding and 1 preceding)"
	case 2:
		return strings.ReplaceAll(g.pick("count(*)", "max(#.a)", "sum(#.y)"), "#", e) + " over (" + part + by + " rows between 3 preceding and " + g.pick("current row", "1 preceding", "1 following") + ")"
	case 3:
		return strings.ReplaceAll(g.pick("count(*) filter (where #.y = 1)", "sum(#.a) filter (where #.y is not null)"), "#", e) + " over (" + part + by + " rows between unbounded preceding and " + g.pick("1 preceding", "current row") + ")"
	case 4:
		return strings.ReplaceAll(g.pick("row_number() over ()", "count(*) over ()", "first(#.a) over ()"), "#", e)
	}
	return g.aggregateOver(e) + " over (" + part + ")"
}

// earlier is a window over rows before by time, most often of the target.
func (g *generator) earlier(e string) string {
	return strings.ReplaceAll(g.pick("lag(#.y)", "sum(#.y)", "count(*) filter (where #.y = 1)", "max(#.a)", "count(*)")+" over (partition by "+g.pick("#.c", "#.g")+" order by #.ts"+
		g.pick("", ", #.id")+" rows between "+g.pick("unbounded", "4")+" preceding and 1 preceding)", "#", e)
}

func (g *generator) aggregateOver(e string) string {
	return strings.ReplaceAll(g.pick("count(*)", "sum(#.a)", "avg(#.a)", "count(#.y)", "max(#.y)", "list(#.a order by #.y, #.id)"), "#", e)
}

// subquery is a value that a query over e gives to a row of e under the alias p.
func (g *generator) subquery() string {
	link := g.pick("b.c = p.c", "b.g = p.g", "b.c = p.c and b.ts < p.ts", "b.id <> p.id and b.g = p.g", "b.y = p.y", "b.c = p.c and b.y <> p.y")
	from := g.table() + " b"
	switch g.r.IntN(5) {
	case 0:
		return "exists (select 1 from " + from + " where " + link + " and " + g.cond("b") + ")"
	case 1:
		column := g.pick("c", "g", "id")
		return "p." + column + " in (select b." + column + " from " + from + " where " + g.cond("b") + ")"
	case 2:
		return "(select b.a from " + from + " where " + link + " order by " + g.order("b") + " limit 1)"
	}
	return "(select " + g.aggregate("b") + " from " + from + " where " + link + " and " + g.cond("b") + ")"
}

// expression is a value of a row of e under the alias p.
func (g *generator) expression() string {
	return g.pick("p.a", "p.a * 2", "p.g", "case when p.a > 3 then p.c end", "p.y is null", "coalesce(p.y, 5)", "{'k': p.c, 'l': p.y}.k", "{'k': p.c, 'l': p.y}.l",
		"struct_pack(u := p.a, v := p.y).u", "list_filter([p.a, 4], v -> v > 3)", "p.y = p.a", "hour(p.ts)")
}

// query makes one query.
func (g *generator) query() string {
	shapes := []struct {
		name string
		make func() string
	}{
		{"row", func() string {
			return fmt.Sprintf("select p.id, p.y, %s as x from %s p where %s", g.expression(), g.table(), g.cond("p"))
		}},
		{"window", func() string {
			return fmt.Sprintf("select p.id, p.y, %s as x, p.a as z from %s p", g.window("p"), g.table())
		}},
		{"window below where", func() string {
			return fmt.Sprintf("select p.id, p.y, %s as x, p.a as z from %s p where %s", g.window("p"), g.table(), g.cond("p"))
		}},
		{"subquery", func() string { return fmt.Sprintf("select p.id, p.y, %s as x from %s p", g.subquery(), g.table()) }},
		{"grouped join", func() string {
			key := g.pick("c", "g")
			return strings.ReplaceAll(fmt.Sprintf("select p.id, p.y, q.v as x, q.KEY is null as z from %s p %s join (select b.KEY, %s as v from %s b where %s group by b.KEY%s) q on p.KEY = q.KEY",
				g.table(), g.pick("left", "inner", "left"), g.aggregate("b"), g.table(), g.cond("b"), g.pick("", "", " having count(*) > 1", " having max(b.y) = 1")), "KEY", key)
		}},
		{"row join", func() string {
			return fmt.Sprintf("select p.id, p.y, q.a as x, p.a as z from %s p %s join %s q on p.%s and %s where %s", g.table(), g.pick("left", "inner"), g.table(),
				g.pick("c = q.c", "g = q.g and p.id <> q.id", "id = q.id", "id = q.id + 1"), g.pick("true", g.cond("q")), g.cond(g.pick("p", "q")))
		}},
		{"lookup", func() string {
			return fmt.Sprintf("select p.id, p.y, d.w as x, p.a as z from %s p %s join d on %s where %s", g.table(), g.pick("left", "inner"),
				g.pick("p.g = d.g", "p.g = d.g and p.a > d.w", "p.y = d.w", "p.g = d.g and p.y < d.w"), g.cond("p"))
		}},
		{"as of", func() string {
			return fmt.Sprintf("select p.id, p.y, q.a as x, p.a as z from %s p asof left join %s q on p.%s and p.ts > q.ts", g.table(), g.table(), g.pick("c = q.c", "g = q.g", "y = q.y"))
		}},
		{"union", func() string {
			c := g.cond("p")
			return fmt.Sprintf("select p.id, p.y, %s as x, p.a as z from e p where %s union all select p.id, p.y, %s, p.a from e p where not coalesce(%s, false)",
				g.pick("p.a", "1", "p.a * 2"), c, g.pick("p.a", "0", "p.a * 2"), c)
		}},
		{"position", func() string {
			return fmt.Sprintf("select p.id, p.y, q.a as x from (select * from e order by id) p positional join (select b.a from %s b order by %s) q where p.id is not null", g.table(), g.order("b"))
		}},
		{"expanded", func() string {
			return fmt.Sprintf("select p.id, any_value(p.y) as y, %s as x from %s p, %s group by p.id", g.pick("count(*)", "max(r.v)", "sum(p.a)"), g.table(),
				g.pick("range(coalesce(p.y, 0) + 1) r(v)", "range(p.a + 1) r(v)", "lateral (select unnest([p.a, p.y]) as v) r"))
		}},
		{"recursive", func() string {
			return fmt.Sprintf("with recursive r as (select id, y, a as v, 0 as n from e union all select id, y, v + 1, n + 1 from r where n < %s) select id, any_value(y) as y, %s as x from r group by id",
				g.pick("2", "y", "2 * y", "3"), g.pick("max(v)", "count(*)", "max(n)"))
		}},
		{"earlier", func() string {
			return fmt.Sprintf("select p.id, p.y, %s as x, p.a as z from %s p where %s", g.earlier("p"), g.table(), g.cond("p"))
		}},
		{"earlier joined back", func() string {
			return fmt.Sprintf("with w as (select p.id, p.c, p.ts, %s as v from %s p where %s) select p.id, p.y, w.v as x from e p %s join w on %s",
				g.earlier("p"), g.table(), g.cond("p"), g.pick("left", "inner"), g.pick("p.id = w.id", "p.c = w.c", "p.c = w.c and p.ts < w.ts"))
		}},
		{"window joined back", func() string {
			return fmt.Sprintf("with w as (select p.id, p.c, p.ts, %s as v from %s p where %s) select p.id, p.y, w.v as x from e p %s join w on %s",
				g.window("p"), g.table(), g.cond("p"), g.pick("left", "inner"), g.pick("p.id = w.id", "p.c = w.c", "p.id = w.id and p.c = w.c"))
		}},
		{"carried", func() string {
			return fmt.Sprintf("select p.id, p.y, %s as x from %s p left join %s q on p.c = q.c and %s group by p.id, p.y", g.aggregate("q"), g.table(), g.table(), g.cond("q"))
		}},
		{"distinct", func() string {
			return fmt.Sprintf("select p.id, p.y, q.n as x from e p left join (select c, count(*) as n from (select %s from %s) group by c) q using (c)",
				g.pick("distinct c, y", "distinct c, g", "c, y from e intersect select c, 1", "c, g from e union select c, g"), g.table())
		}},
		{"window over a join", func() string {
			return fmt.Sprintf("select p.id, p.y, %s as x, p.a as z from %s p %s join %s q on %s where %s", g.earlier(g.pick("p", "q")), g.table(), g.pick("left", "inner"), g.table(),
				g.pick("p.c = q.c", "p.id = q.id", "p.c = q.c and p.id > q.id"), g.cond(g.pick("p", "q")))
		}},
		{"repeated", func() string {
			return fmt.Sprintf("select id, y, x from (select p.id, p.y, %s as x, v.k from %s p, (values (1), (2)) v(k)) where k = %s", g.earlier("p"), g.table(), g.pick("1", "2"))
		}},
		{"window over a union", func() string {
			return fmt.Sprintf("select id, y, x from (select p.id, p.y, p.k, %s as x from (select *, 0 as k from %s union all select * replace (%s), 1 as k from e) p) where k = 1",
				g.earlier("p"), g.table(), g.pick("0 as y", "y as y", "a + 1 as a"))
		}},
		{"lateral", func() string {
			return fmt.Sprintf("select p.id, p.y, q.v as x from %s p left join lateral (select b.a as v from e b where b.c = p.c and %s order by %s limit 1) q on true",
				g.table(), g.cond("b"), g.order("b"))
		}},
	}
	s := shapes[g.r.IntN(len(shapes))]
	g.shape = s.name
	return s.make()
}
