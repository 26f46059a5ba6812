package table

import (
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/mlp-lang/mlp/lang/schema"
	sqltable "github.com/mlp-lang/mlp/stdlib/table"
)

// A number of the configuration is compared with a column's values exactly: whole numbers and decimals as such, whatever
// their size, and as doubles only with doubles.

// comparison is a condition of a number with the column: operator is =, >= or <=.
// Of an integer column, x >= 2.5 becomes x >= 3, and x = 2.5 false: the bound is moved to a number of the type and no value of the
// column is rounded. Of a column of doubles the bound is read as a double, as the column's values were.
func (l *lister) comparison(operator string, n json.Number) string {
	scale, exact := sqltable.Scale(l.column.Type)
	if !exact {
		return fmt.Sprintf("%s %s %s::%s", l.quoted, operator, n, l.column.Type)
	}
	x, ok := new(big.Rat).SetString(n.String())
	if !ok {
		return "false"
	}
	// The nearest number that the type can have, on the side that the operator looks at.
	unit := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
	scaled := new(big.Rat).Mul(x, unit)
	q, r := new(big.Int).DivMod(scaled.Num(), scaled.Denom(), new(big.Int))
	switch {
	case r.Sign() == 0:
	case operator == "=":
		return "false"
	case operator == ">=":
		q.Add(q, big.NewInt(1))
	}
	// Wider than any number of the type: the answer is known.
	if digits := len(new(big.Int).Abs(q).String()); digits > 38 {
		return fmt.Sprint(operator == ">=" && q.Sign() < 0 || operator == "<=" && q.Sign() > 0)
	}
	text := new(big.Rat).Quo(new(big.Rat).SetInt(q), unit).FloatString(scale)
	return fmt.Sprintf("%s %s '%s'::decimal(38,%d)", l.quoted, operator, text, scale)
}

// exceeds is a condition that one column is greater than another. The engine compares whole numbers and decimals with doubles as
// doubles, and a time in nanoseconds with one in microseconds within the years of the former; this compares the numbers and times
// that they are: the bigint 2^53 + 1 is greater than the double 2^53. A double stands for the decimal that it prints: the double
// 0.1 equals the decimal 0.10, and neither exceeds the other.
func exceeds(a, b schema.Column) string {
	x, y := sqltable.Quote(a.Name), sqltable.Quote(b.Name)
	_, exactA := sqltable.Scale(a.Type)
	_, exactB := sqltable.Scale(b.Type)
	switch {
	case a.Type == b.Type:
	case !sqltable.Numeric(a.Type):
		return exceedsTime(a, b)
	case exactA && exactB:
		return exceedsExact(x, a.Type, y, b.Type)
	case exactA:
		return exceedsFloat(x, a.Type, y, b.Type, true)
	case exactB:
		return exceedsFloat(y, b.Type, x, a.Type, false)
	}
	return x + " > " + y
}

// exceedsExact compares exact numbers of any size and scale: by what stands before the point, then by what stands behind it.
// A cast to one wide decimal is not possible: decimal(38,20) has 18 digits before the point, and a bigint has 19.
func exceedsExact(x, kindX, y, kindY string) string {
	scaleX, _ := sqltable.Scale(kindX)
	scaleY, _ := sqltable.Scale(kindY)
	whole := func(q string) string { return "trunc(" + q + ")::hugeint" }
	rest := func(q string, scale int) string {
		if scale == 0 {
			return "0"
		}
		return fmt.Sprintf("(%s::decimal(38,%d) - trunc(%[1]s)::decimal(38,%[2]d))", q, scale)
	}
	return fmt.Sprintf("case when %s <> %s then %[1]s > %[2]s else %s > %s end", whole(x), whole(y), rest(x, scaleX), rest(y, scaleY))
}

// exceedsFloat compares an exact number x with a double or float f: the condition is x > f if greater is true, else f > x.
func exceedsFloat(x, kind, f, float string, greater bool) string {
	operator := ">"
	if !greater {
		operator = "<"
	}
	// near is the double nearest to x, by its digits. Only where that is f itself can x and f be told apart by what was rounded.
	near := x + "::varchar::" + float
	printed := fmt.Sprintf("try_cast(%s::varchar as decimal(38,20))", f)
	tie := fmt.Sprintf("case when abs(%s) >= 9007199254740992 then %s else %s end", f,
		exceedsOf(x, kind, "trunc("+f+")::hugeint", "bigint", greater), exceedsOf(x, kind, printed, "decimal(38,20)", greater))
	return fmt.Sprintf("case when abs(%s) >= 1e38 then %[1]s %s 0 when %s <> %[1]s then %[3]s %[4]s %[1]s else %[5]s end", f, flipped(operator), near, operator, tie)
}

// exceedsOf is x > y, or y > x.
func exceedsOf(x, kindX, y, kindY string, greater bool) string {
	if greater {
		return exceedsExact(x, kindX, y, kindY)
	}
	return exceedsExact(y, kindY, x, kindX)
}

// flipped is the operator of the same comparison with its sides exchanged.
func flipped(operator string) string {
	if operator == ">" {
		return "<"
	}
	return ">"
}

// exceedsTime compares points in time of two types.
// Microseconds go first and the nanoseconds behind them decide among equals, since a timestamp_ns ends in the year 2262
// and a timestamp goes on.
func exceedsTime(a, b schema.Column) string {
	x, y := sqltable.Quote(a.Name), sqltable.Quote(b.Name)
	if a.Type != "timestamp_ns" && b.Type != "timestamp_ns" {
		return x + " > " + y
	}
	micros := func(c schema.Column, q string) string {
		if c.Type == "timestamp_ns" {
			return fmt.Sprintf("(epoch_ns(%s) // 1000)", q)
		}
		return fmt.Sprintf("epoch_us(%s::timestamp)", q)
	}
	rest := func(c schema.Column, q string) string {
		if c.Type == "timestamp_ns" {
			return fmt.Sprintf("(epoch_ns(%s) %% 1000)", q)
		}
		return "0"
	}
	return fmt.Sprintf("case when %s <> %s then %[1]s > %[2]s else %s > %s end", micros(a, x), micros(b, y), rest(a, x), rest(b, y))
}
