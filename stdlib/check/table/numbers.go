package table

import (
	"encoding/json"
	"fmt"
	"math/big"

	sqltable "github.com/mlp-lang/mlp/stdlib/table"
)

// A number of the configuration is compared with a column's values exactly: whole numbers and decimals as such, whatever
// their size, and as doubles only with doubles.

// comparison is a condition of a number with the column: operator is =, >= or <=.
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
