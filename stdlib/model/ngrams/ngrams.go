// Package ngrams makes sparse vectors of texts, and numbers of these: hashed n-grams, weighed by a linear model.
//
// A text is cut into n-grams, each is hashed into one of so many buckets, and the vector has of each bucket how many n-grams fell into it. So there is no
// vocabulary: a text that no training row had is read as the others are, and a model holds no word. This is scikit-learn's HashingVectorizer, and with TfIdf its
// TfidfTransformer behind it, number by number:
//
//   - Bytes that are no UTF-8 count as U+FFFD, each. No normal form is made of a text: é as one character and as two are different.
//   - With Lowercase letters are made small as Unicode says for all languages, a Σ at the end of a word ς.
//   - Analyzer "word": tokens are runs of two or more letters, numbers (Unicode's categories L and N) and underscores; n-grams are n of them in succession,
//     joined by a blank. Marks, as accents of their own are, part tokens.
//   - Analyzer "char": n-grams are n characters in succession, where two or more blanks in succession count as one blank " ".
//   - Analyzer "char_wb": the same within each word between blanks, with a blank before and behind it; a word that is no longer than n, with its blanks, is one n-gram.
//   - The hash h of an n-gram is MurmurHash3 (x86, 32 bits, seed 0) of its UTF-8, as a signed number; its bucket is |h| mod Buckets. With AlternateSign
//     it adds -1 where h is negative, else 1, so that n-grams that share a bucket cancel out on average.
//   - With TfIdf a bucket is multiplied by ln((1 + n)/(1 + d)) + 1, where d of the n training rows have an n-gram in it; a missing text is a row without any.
//   - Norm "l2" divides by the square root of the sum of squares, "l1" by the sum of absolute values, "none" by nothing. A text without n-grams is all 0.
//
// Nothing depends on a locale. Sums are taken in the order of buckets.
package ngrams

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"

	"github.com/twmb/murmur3"
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// Ways to cut a text, and to scale what comes of it.
const (
	Word   = "word"
	Char   = "char"
	CharWB = "char_wb"

	L2     = "l2"
	L1     = "l1"
	NoNorm = "none"
)

// Bounds of settings.
const (
	MostBuckets = 1 << 20
	MostN       = 10
)

// Settings say how vectors are made of texts.
type Settings struct {
	Analyzer      string `json:"analyzer"`
	Range         [2]int `json:"ngram_range"` // the least n and the greatest
	Buckets       int    `json:"buckets"`     // a power of 2
	Lowercase     bool   `json:"lowercase"`
	AlternateSign bool   `json:"alternate_sign"`
	Norm          string `json:"norm"`
	TfIdf         bool   `json:"tf_idf"`
}

// Defaults are the settings where nobody says others.
func Defaults() Settings {
	return Settings{Analyzer: Word, Range: [2]int{1, 1}, Buckets: 1 << 16, Lowercase: true, AlternateSign: true, Norm: L2}
}

// Validate checks what cutting and hashing relies on.
func (s *Settings) Validate() error {
	switch {
	case s.Analyzer != Word && s.Analyzer != Char && s.Analyzer != CharWB:
		return fmt.Errorf("unknown analyzer %q", s.Analyzer)
	case s.Norm != L2 && s.Norm != L1 && s.Norm != NoNorm:
		return fmt.Errorf("unknown norm %q", s.Norm)
	case s.Range[0] < 1 || s.Range[1] < s.Range[0] || s.Range[1] > MostN:
		return fmt.Errorf("n-grams of %d to %d", s.Range[0], s.Range[1])
	case s.Buckets < 2 || s.Buckets > MostBuckets || s.Buckets&(s.Buckets-1) != 0:
		return fmt.Errorf("%d buckets", s.Buckets)
	}
	return nil
}

// Entry is one bucket of a vector.
type Entry struct {
	Bucket uint32
	X      float64
}

// Count is the vector of a text before weights and norm: by bucket, ascending, how many n-grams fell into it, with their signs. A bucket whose n-grams cancel
// out is there with 0.
func (s *Settings) Count(text string) []Entry {
	if strings.ToValidUTF8(text, "") != text {
		text = string([]rune(text))
	}
	if s.Lowercase {
		text = cases.Lower(language.Und).String(text)
	}
	var out []Entry
	add := func(gram string) {
		h := int64(int32(murmur3.StringSum32(gram)))
		x := 1.0
		if h < 0 {
			h = -h
			if s.AlternateSign {
				x = -1
			}
		}
		out = append(out, Entry{uint32(h % int64(s.Buckets)), x})
	}
	switch s.Analyzer {
	case Word:
		s.words(text, add)
	case Char:
		s.chars([]rune(joined(text)), add)
	default:
		for _, word := range strings.FieldsFunc(text, blank) {
			s.within([]rune(" "+word+" "), add)
		}
	}
	return merged(out)
}

// merged adds up entries of one bucket, in place.
func merged(all []Entry) []Entry {
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(a.Bucket, b.Bucket) })
	out := all[:0]
	for _, e := range all {
		if n := len(out); n > 0 && out[n-1].Bucket == e.Bucket {
			out[n-1].X += e.X
		} else {
			out = append(out, e)
		}
	}
	return slices.Clone(out) // in memory of its own size: as many are kept as there are texts
}

// words adds n-grams of tokens.
func (s *Settings) words(text string, add func(string)) {
	tokens := slices.DeleteFunc(strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && r != '_' }),
		func(token string) bool {
			for i := range token {
				if i > 0 {
					return false
				}
			}
			return true
		})
	for n := s.Range[0]; n <= s.Range[1]; n++ {
		for i := 0; i+n <= len(tokens); i++ {
			add(strings.Join(tokens[i:i+n], " "))
		}
	}
}

// chars adds n-grams of characters.
func (s *Settings) chars(text []rune, add func(string)) {
	for n := s.Range[0]; n <= s.Range[1]; n++ {
		for i := 0; i+n <= len(text); i++ {
			add(string(text[i : i+n]))
		}
	}
}

// within adds n-grams of a word: the word itself where it is no longer, and then once.
func (s *Settings) within(word []rune, add func(string)) {
	for n := s.Range[0]; n <= s.Range[1]; n++ {
		if n >= len(word) {
			add(string(word))
			return
		}
		for i := 0; i+n <= len(word); i++ {
			add(string(word[i : i+n]))
		}
	}
}

// joined has one blank for each run of two or more; a single one stays as it is.
func joined(text string) string {
	var out strings.Builder
	run, last := 0, rune(0)
	end := func() {
		switch {
		case run == 1:
			out.WriteRune(last)
		case run > 1:
			out.WriteByte(' ')
		}
		run = 0
	}
	for _, r := range text {
		if blank(r) {
			run, last = run+1, r
			continue
		}
		end()
		out.WriteRune(r)
	}
	end()
	return out.String()
}

// blank reports whether a character parts words: Unicode's white space, and the separators of files, groups, records and units.
func blank(r rune) bool { return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f }

// scaled divides a vector by its norm, in place.
func (s *Settings) scaled(v []Entry) []Entry {
	total := 0.0
	for _, e := range v {
		switch s.Norm {
		case L2:
			total += float64(e.X * e.X)
		case L1:
			total += math.Abs(e.X)
		}
	}
	if s.Norm == L2 {
		total = math.Sqrt(total)
	}
	if total > 0 {
		for i := range v {
			v[i].X /= total
		}
	}
	return v
}
