package c99

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/stdlib/model"
)

// reserved are words that no member of a struct can be called by: those of C, of later ones and of C++, and names that compilers or headers define.
var reserved = strings.Fields(`auto break case char const continue default do double else enum extern float for goto if inline int long register restrict return short signed sizeof
	static struct switch typedef union unsigned void volatile while asm bool true false class delete explicit export friend mutable namespace new operator private protected public
	template this throw try catch typename using virtual and or not xor alignas alignof nullptr constexpr thread_local static_assert typeof
	linux unix i386 vax sun errno stdin stdout stderr assert`)

// identifier is a name in C.
func identifier(s string) string {
	s = strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(s))
	if s == "" || !('a' <= s[0] && s[0] <= 'z') {
		s = "x" + s
	}
	if slices.Contains(reserved, s) {
		s += "_"
	}
	return s
}

// members are the names of features in the struct.
func members(features []model.Feature) ([]string, error) {
	var out []string
	for i := range features {
		if slices.ContainsFunc(features[i].Levels, func(l string) bool { return strings.ContainsRune(l, 0) }) {
			return nil, fmt.Errorf("of %q %w", features[i].Name, errText)
		}
		name := identifier(features[i].Name)
		for n := 2; slices.Contains(out, name); n++ {
			name = fmt.Sprintf("%s_%d", identifier(features[i].Name), n)
		}
		out = append(out, name)
	}
	return out, nil
}

// text is a literal of C: what is no plain letter is an octal escape, which is of three digits and takes no more, and a question mark begins no trigraph.
func text(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\' || c == '?':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// comment is a text within a comment of C.
func comment(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	return strings.NewReplacer("*/", "* /", "/*", "/ *", "??", "? ?", `\`, "/").Replace(s)
}

// number is a constant of C, to the bit.
func number(x float64) string {
	switch {
	case math.IsNaN(x):
		return "NAN"
	case math.IsInf(x, 1):
		return "INFINITY"
	case math.IsInf(x, -1):
		return "-INFINITY"
	case x == math.Trunc(x) && math.Abs(x) < 1e6 && !(x == 0 && math.Signbit(x)):
		return strconv.FormatFloat(x, 'f', 1, 64)
	}
	return strconv.FormatFloat(x, 'x', -1, 64)
}

// single is a constant of 32 bits.
func single(x float32) string {
	s := number(float64(x))
	if strings.HasSuffix(s, "NAN") || strings.HasSuffix(s, "INFINITY") {
		return s
	}
	return s + "f"
}

// numbers are constants.
func numbers(all []float64) []string {
	out := make([]string, len(all))
	for i, x := range all {
		out[i] = number(x)
	}
	return out
}

// array is an array of constants, of one element at least: C has none without.
func array(kind, name string, elements []string, about string) string {
	var b strings.Builder
	if about != "" {
		fmt.Fprintf(&b, "/* %s */\n", about)
	}
	fmt.Fprintf(&b, "%s %s[] = {", kind, name)
	if len(elements) == 0 {
		elements = []string{"0"}
		if strings.Contains(kind, "struct") {
			elements[0] = "{0}"
		}
	}
	width := 200
	for _, e := range elements {
		if width += len(e) + 2; width > 150 {
			b.WriteString("\n\t")
			width = len(e)
		} else {
			b.WriteString(" ")
		}
		b.WriteString(e + ",")
	}
	b.WriteString("\n};\n")
	return b.String()
}

// nameTable are levels with their codes, by name.
func nameTable(codes map[string]float64) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(codes)) {
		out = append(out, fmt.Sprintf("{%s, %d}", text(name), int(codes[name])))
	}
	if out == nil {
		out = []string{`{"", -1}`}
	}
	return "\n\t" + strings.Join(out, ",\n\t") + ",\n"
}

// numberTable are numbers with their codes, ascending.
func numberTable(codes map[float64]float64) string {
	var out []string
	for _, x := range slices.Sorted(maps.Keys(codes)) {
		if x == x {
			out = append(out, fmt.Sprintf("{%s, %d}", number(x), int(codes[x])))
		}
	}
	if out == nil {
		out = []string{"{NAN, -1}"}
	}
	return "\n\t" + strings.Join(out, ",\n\t") + ",\n"
}
