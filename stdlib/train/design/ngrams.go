package design

import (
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model/ngrams"
)

// nGramAttrs are the attributes of encode = "ngrams".
func nGramAttrs() []schema.Attr {
	return []schema.Attr{
		{Name: "analyzer", Type: schema.String, OneOf: []string{ngrams.Word, ngrams.Char, ngrams.CharWB},
			Doc: "Of `ngrams`: what they are made of. `word`: runs of two or more letters, digits and underscores, of all scripts. `char`: characters. `char_wb`: characters within words, with a blank before and behind each. Left out: `word`. " +
				"Hashes, buckets and numbers are those of scikit-learn's `HashingVectorizer`: MurmurHash3 of 32 bits, seed 0. No normal form is made of Unicode: do that in a dataset (`nfc_normalize`), if writers differ."},
		{Name: "ngram_range", Type: schema.NumberList, Doc: "Of `ngrams`: how many in succession, the least and the most, from 1 to 10. Left out: `[1, 1]`."},
		{Name: "buckets", Type: schema.Integer, Doc: "Of `ngrams`: how many buckets they are hashed into, a power of 2 from 2 to 1048576. Those that fall into one share a coefficient. Left out: 65536."},
		{Name: "lowercase", Type: schema.Bool, Doc: "Of `ngrams`: letters are made small first, as Unicode says for all languages. Left out: true."},
		{Name: "alternate_sign", Type: schema.Bool, Doc: "Of `ngrams`: half of them count -1, by their hash, so that those of one bucket cancel out on average. Left out: true."},
		{Name: "norm", Type: schema.String, OneOf: []string{ngrams.L2, ngrams.L1, ngrams.NoNorm},
			Doc: "Of `ngrams`: what the numbers of a text are divided by: `l2` the root of the sum of their squares, `l1` the sum of their absolute values, `none` nothing. Left out: `l2`."},
		{Name: "tf_idf", Type: schema.Bool, Doc: "Of `ngrams`: a bucket counts ln((1 + n)/(1 + d)) + 1 times, where d of the n training rows have it, as scikit-learn's `TfidfTransformer` has it. Left out: false."},
	}
}

// said reports whether the block says anything of n-grams.
func (p *Preprocess) said() bool {
	return p.Analyzer != "" || p.Range != nil || p.Buckets != nil || p.Lowercase != nil || p.AlternateSign != nil || p.Norm != "" || p.TfIdf != nil
}

// settings of a block with encode = "ngrams".
func (p *Preprocess) settings() ngrams.Settings {
	s := ngrams.Defaults()
	if p.Analyzer != "" {
		s.Analyzer = p.Analyzer
	}
	if len(p.Range) == 2 {
		s.Range = [2]int{int(p.Range[0]), int(p.Range[1])}
	}
	if p.Buckets != nil {
		s.Buckets = *p.Buckets
	}
	if p.Lowercase != nil {
		s.Lowercase = *p.Lowercase
	}
	if p.AlternateSign != nil {
		s.AlternateSign = *p.AlternateSign
	}
	if p.Norm != "" {
		s.Norm = p.Norm
	}
	if p.TfIdf != nil {
		s.TfIdf = *p.TfIdf
	}
	return s
}

// NGrams are the columns that are read by their n-grams, with how.
func NGrams(all []Preprocess) map[string]ngrams.Settings {
	var out map[string]ngrams.Settings
	for i := range all {
		if all[i].Encode != nGrams {
			continue
		}
		if out == nil {
			out = map[string]ngrams.Settings{}
		}
		out[all[i].Column] = all[i].settings()
	}
	return out
}

// nGramValues finds what is wrong with what the block says of n-grams.
func (p *Preprocess) nGramValues(report func(at, summary, detail, hint string)) {
	if p.Encode != nGrams {
		if p.said() {
			report("", `analyzer, ngram_range, buckets, lowercase, alternate_sign, norm and tf_idf are of encode = "ngrams"`, "", "")
		}
		return
	}
	if r := p.Range; r != nil && (len(r) != 2 || r[0] < 1 || r[1] < r[0] || r[1] > ngrams.MostN || r[0] != math.Trunc(r[0]) || r[1] != math.Trunc(r[1])) {
		report(".ngram_range", fmt.Sprintf("ngram_range is %v", r), fmt.Sprintf("It is the least and the most in succession, from 1 to %d.", ngrams.MostN), "ngram_range = [1, 2]")
	}
	if n := p.Buckets; n != nil && (*n < 2 || *n > ngrams.MostBuckets || *n&(*n-1) != 0) {
		report(".buckets", fmt.Sprintf("buckets is %d", *n), fmt.Sprintf("It is a power of 2 from 2 to %d.", ngrams.MostBuckets), "buckets = 65536")
	}
}
