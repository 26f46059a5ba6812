package xgboost

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Decode reads a model in XGBoost's JSON format, whichever version of XGBoost wrote it.
// Members that it does not know are passed over, for each version adds some. What scoring rests on is checked (Validate): a file that
// was changed by hand is an error and no index out of range.
func Decode(data []byte) (*Model, error) {
	if IsUBJ(data) || !IsJSON(data) {
		return nil, errors.New("this is no XGBoost model in JSON (save it with save_model(\"model.json\"))")
	}
	f, err := decodeFile(data)
	if err != nil {
		return nil, fmt.Errorf("reading an XGBoost model: %w", err)
	}
	return f.Model, nil
}

// File is a model with what its file says besides.
type File struct {
	*Model
	Version []int // of XGBoost: 1, 7, 4
	// Rounds are where each round's trees begin, and at the end how many trees there are: of three classes 0, 3, 6, …
	Rounds []int
	// Levels are the categories that the file names, [feature][code]; nil of a feature without any, and of files before XGBoost 3.1, which name none.
	Levels [][]string
}

// IsJSON reports whether data looks like a document in JSON.
func IsJSON(data []byte) bool {
	rest, object := bytes.CutPrefix(bytes.TrimLeft(data, " \r\n\t"), []byte("{"))
	return object && bytes.HasPrefix(bytes.TrimLeft(rest, " \r\n\t"), []byte(`"`))
}

// IsUBJ reports whether data looks like a document in UBJSON: an object whose first key has a length.
func IsUBJ(data []byte) bool {
	return len(data) > 1 && data[0] == '{' && bytes.IndexByte([]byte("iUIulmL$#"), data[1]) >= 0
}

// MostDeep bounds the splits on a path of trees from elsewhere: explanations take memory by its square.
const MostDeep = 1024

// DecodeFile reads a model that XGBoost saved, as JSON or UBJSON.
func DecodeFile(data []byte) (*File, error) {
	f, err := decodeFile(data)
	for i := 0; err == nil && i < len(f.Trees); i++ {
		if deep := f.Trees[i].depth(); deep > MostDeep {
			err = fmt.Errorf("tree %d: it has paths of more than %d splits", i, MostDeep)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("reading an XGBoost model: %w", err)
	}
	return f, nil
}

// depth is the number of splits on the longest path, of a tree that is valid, whose children come after their parents.
func (t *Tree) depth() int {
	most, depth := 0, make([]int, len(t.Nodes))
	for i := range t.Nodes {
		if n := &t.Nodes[i]; !n.Leaf() {
			depth[n.Left], depth[n.Right] = depth[i]+1, depth[i]+1
			most = max(most, depth[i]+1)
		}
	}
	return most
}

func decodeFile(data []byte) (*File, error) {
	if IsUBJ(data) {
		text, err := ubjToJSON(data)
		if err != nil {
			return nil, fmt.Errorf("UBJSON: %w", err)
		}
		data = text
	}
	var d document
	if err := json.Unmarshal(nullNaN(data), &d); err != nil {
		return nil, err
	}
	m, err := d.model()
	if err != nil {
		return nil, err
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	f := &File{Model: m, Version: d.Version}
	b := &d.Learner.GradientBooster.Model
	if f.Rounds, err = b.rounds(m.Groups()); err != nil {
		return nil, err
	}
	f.Levels, err = b.Cats.levels(m.NumFeature)
	return f, err
}

// rounds are where each round's trees begin. Files before XGBoost 1.7 do not say; there a round has num_parallel_tree trees for each group.
func (b *boosterModel) rounds(groups int) ([]int, error) {
	trees := len(b.Trees)
	if n := len(b.IterationIndptr); n > 0 {
		if b.IterationIndptr[0] != 0 || b.IterationIndptr[n-1] != trees || !slices.IsSorted(b.IterationIndptr) {
			return nil, fmt.Errorf("iteration_indptr does not lead from 0 to %d trees", trees)
		}
		return b.IterationIndptr, nil
	}
	parallel, err := count("num_parallel_tree", b.Param.NumParallelTree)
	if err != nil {
		return nil, err
	}
	each := max(parallel, 1) * groups
	if each <= 0 || trees%each != 0 {
		return nil, fmt.Errorf("%d trees are no whole number of rounds of %d", trees, each)
	}
	out := []int{0}
	for i := each; i <= trees; i += each {
		out = append(out, i)
	}
	return out, nil
}

// levels are the names of categories. XGBoost keeps texts one after the other, and where each begins.
func (c *cats) levels(features int) ([][]string, error) {
	if c == nil || len(c.Enc) == 0 {
		return nil, nil
	}
	if len(c.Enc) != features {
		return nil, fmt.Errorf("it has categories of %d features, and %d features", len(c.Enc), features)
	}
	out := make([][]string, features)
	for i, e := range c.Enc {
		if e.Offsets == nil {
			for _, x := range e.Values {
				out[i] = append(out[i], x.String())
			}
			continue
		}
		text := make([]byte, len(e.Values))
		for k, x := range e.Values {
			n, err := x.Int64()
			if err != nil || n < -128 || n > 255 {
				return nil, fmt.Errorf("feature %d: a byte of its categories is %s", i, x)
			}
			text[k] = byte(n)
		}
		for k := 1; k < len(e.Offsets); k++ {
			from, to := e.Offsets[k-1], e.Offsets[k]
			if from < 0 || from > to || to > len(text) {
				return nil, fmt.Errorf("feature %d: category %d is from byte %d to %d of %d", i, k-1, from, to, len(text))
			}
			if !utf8.Valid(text[from:to]) {
				return nil, fmt.Errorf("feature %d: category %d is no text in UTF-8", i, k-1)
			}
			out[i] = append(out[i], string(text[from:to]))
		}
	}
	return out, nil
}

// nullNaN replaces the bare NaN that XGBoost writes at categorical splits, which is no JSON, by null.
func nullNaN(data []byte) []byte {
	if !bytes.Contains(data, []byte("NaN")) {
		return data
	}
	out := make([]byte, 0, len(data))
	quoted := false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\' && i+1 < len(data):
			out = append(out, c, data[i+1])
			i++
			continue
		case c == '"':
			quoted = !quoted
		case !quoted && bytes.HasPrefix(data[i:], []byte("NaN")):
			out = append(out, "null"...)
			i += len("NaN") - 1
			continue
		}
		out = append(out, data[i])
	}
	return out
}

// UnmarshalJSON reads a number to the nearest float32; null, which nullNaN makes, is NaN.
func (n *number) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*n = number(math.NaN())
		return nil
	}
	f, err := strconv.ParseFloat(string(data), 32)
	*n = number(f)
	return err
}

// UnmarshalJSON reads 0 and 1, and true and false, as some versions write them.
func (f *flag) UnmarshalJSON(data []byte) error {
	switch s := string(data); s {
	case "1", "true":
		*f = true
	case "0", "false":
		*f = false
	default:
		return fmt.Errorf("%s where 0 or 1 was expected", s)
	}
	return nil
}

// model takes over what of the file scoring needs. It refuses what would be scored otherwise: dart drops trees.
func (d *document) model() (*Model, error) {
	l := &d.Learner
	switch name := l.GradientBooster.Name; name {
	case "gbtree":
	case "dart":
		return nil, errors.New(`booster "dart" is not supported, only gbtree: its trees are weighed each when they score`)
	case "gblinear":
		return nil, errors.New(`booster "gblinear" is not supported, only gbtree: it is a linear model and has no trees`)
	default:
		return nil, fmt.Errorf("booster %q is not supported, only gbtree", name)
	}
	name, _ := l.Objective["name"].(string)
	params, err := objectiveParam(l.Objective[paramGroup[Objective(name)]])
	if err != nil {
		return nil, fmt.Errorf("parameters of the objective %s: %w", name, err)
	}
	m := &Model{
		Objective: Objective(name), ObjectiveParam: params, FeatureNames: l.FeatureNames, FeatureTypes: l.FeatureTypes,
		TreeClass: l.GradientBooster.Model.TreeInfo, Attributes: l.Attributes,
	}
	if m.NumClass, err = count("num_class", l.Param.NumClass); err != nil {
		return nil, err
	}
	if m.NumFeature, err = count("num_feature", l.Param.NumFeature); err != nil {
		return nil, err
	}
	if m.NumTarget, err = count("num_target", l.Param.NumTarget); err != nil {
		return nil, err
	}
	if m.NumTarget == 1 {
		m.NumTarget = 0
	}
	if m.BaseScore, err = parseBase(l.Param.BaseScore); err != nil {
		return nil, err
	}
	trees := l.GradientBooster.Model.Trees
	m.Trees = make([]Tree, len(trees))
	for i := range trees {
		if m.Trees[i], err = trees[i].decode(); err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
	}
	return m, nil
}

// objectiveParam reads parameters, which are texts.
func objectiveParam(v any) (map[string]string, error) {
	params, ok := v.(map[string]any)
	if !ok {
		return nil, nil
	}
	out := map[string]string{}
	for name, x := range params {
		text, ok := x.(string)
		if !ok {
			return nil, fmt.Errorf("%s is no text", name)
		}
		out[name] = text
	}
	return out, nil
}

// count reads a number of things, which the format writes as text; without one it is 0.
func count(name, text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s is %q", name, text)
	}
	return n, nil
}

// parseBase reads "5E-1", and "[5E-1]" as later versions write it, with a number for each class where there are several.
func parseBase(text string) ([]float32, error) {
	var out []float32
	for _, part := range strings.Split(strings.Trim(text, "[]"), ",") {
		f, err := strconv.ParseFloat(part, 32)
		if err != nil {
			return nil, fmt.Errorf("base_score is %q", text)
		}
		out = append(out, float32(f))
	}
	return out, nil
}

// decode makes nodes of the parallel arrays. Arrays that scoring does not need, such as gains, may be shorter or left out.
func (t *tree) decode() (Tree, error) {
	n := len(t.LeftChildren)
	if size, err := count("size_leaf_vector", t.Param.SizeLeafVector); err != nil || size > 1 {
		return Tree{}, errors.New("leaves that are vectors are not supported")
	}
	for _, l := range []int{
		len(t.RightChildren), len(t.Parents), len(t.SplitConditions), len(t.SplitIndices), len(t.DefaultLeft),
	} {
		if l != n {
			return Tree{}, fmt.Errorf("its arrays have %d and %d elements", n, l)
		}
	}
	out := Tree{Nodes: make([]Node, n)}
	for i := range out.Nodes {
		d := &out.Nodes[i]
		*d = Node{
			Left: t.LeftChildren[i], Right: t.RightChildren[i], Parent: t.Parents[i], Feature: t.SplitIndices[i],
			Value: float32(t.SplitConditions[i]), DefaultLeft: bool(t.DefaultLeft[i]),
			Gain: at(t.LossChanges, i), Hessian: at(t.SumHessian, i), Weight: at(t.BaseWeights, i),
		}
		if d.Parent == rootParent {
			d.Parent = -1
		}
	}
	return out, t.decodeCategories(out.Nodes)
}

// at is an element, 0 beyond the end.
func at(values []number, i int) float32 {
	if i < len(values) {
		return float32(values[i])
	}
	return 0
}

// decodeCategories gives categorical nodes their categories. XGBoost keeps them in floats, which hold whole numbers up to 2^24.
func (t *tree) decodeCategories(nodes []Node) error {
	k := len(t.CategoriesNodes)
	if len(t.CategoriesSegments) != k || len(t.CategoriesSizes) != k {
		return errors.New("its arrays of categories differ in length")
	}
	used := 0 // each category is of one node: else few bytes would take much memory
	for i, node := range t.CategoriesNodes {
		start, size := int(t.CategoriesSegments[i]), int(t.CategoriesSizes[i])
		if node < 0 || int(node) >= len(nodes) || start < 0 || size < 0 || start+size > len(t.Categories) {
			return fmt.Errorf("its categories point outside (node %d)", node)
		}
		if used += size; used > len(t.Categories) {
			return fmt.Errorf("the categories of node %d are those of another node, too", node)
		}
		set := append([]int32{}, t.Categories[start:start+size]...)
		for _, c := range set {
			if c < 0 || c >= 1<<24 {
				return fmt.Errorf("node %d has category %d", node, c)
			}
		}
		nodes[node].Categories, nodes[node].Value = set, 0
	}
	return nil
}
