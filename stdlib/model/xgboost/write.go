package xgboost

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// The structs below mirror the file; their fields are in the file's order, which is alphabetical. Whole numbers that XGBoost keeps as
// parameters are texts there.
//
// document is the whole file. Version is that of the layout, of three numbers.
type document struct {
	Learner learner `json:"learner"`
	Version []int   `json:"version"`
}

// learner is the model with its names and objective. Attributes are free text, which XGBoost hands through.
type learner struct {
	Attributes      map[string]string `json:"attributes"`
	FeatureNames    []string          `json:"feature_names"`
	FeatureTypes    []string          `json:"feature_types"`
	GradientBooster booster           `json:"gradient_booster"`
	Param           learnerParam      `json:"learner_model_param"`
	Objective       map[string]any    `json:"objective"`
}

// booster is the ensemble; its name says which kind, "gbtree".
type booster struct {
	Model boosterModel `json:"model"`
	Name  string       `json:"name"`
}

// boosterModel has the trees, and of each its class. IterationIndptr says where each round's trees begin: of three classes 0, 3, 6, …
type boosterModel struct {
	Cats            *cats        `json:"cats,omitempty"` // of XGBoost 3.1 and later
	Param           boosterParam `json:"gbtree_model_param"`
	IterationIndptr []int        `json:"iteration_indptr"`
	TreeInfo        []int32      `json:"tree_info"`
	Trees           []tree       `json:"trees"`
}

// cats are the names of categories, by feature: of texts the bytes of all and where each begins, of numbers the numbers.
type cats struct {
	Enc []struct {
		Offsets []int         `json:"offsets"`
		Values  []json.Number `json:"values"`
	} `json:"enc"`
}

type boosterParam struct {
	NumParallelTree string `json:"num_parallel_tree"`
	NumTrees        string `json:"num_trees"`
	SizeLeafVector  string `json:"size_leaf_vector"`
}

// learnerParam says how margins become predictions. BoostFromAverage is 0: the base score stands in the file and is not to be
// estimated anew.
type learnerParam struct {
	BaseScore        string `json:"base_score"`
	BoostFromAverage string `json:"boost_from_average"`
	NumClass         string `json:"num_class"`
	NumFeature       string `json:"num_feature"`
	NumTarget        string `json:"num_target"`
}

// tree is one tree as parallel arrays with an element for each node, and beside them the categories of all categorical nodes.
type tree struct {
	BaseWeights        []number  `json:"base_weights"`
	Categories         []int32   `json:"categories"`
	CategoriesNodes    []int32   `json:"categories_nodes"`
	CategoriesSegments []int32   `json:"categories_segments"`
	CategoriesSizes    []int32   `json:"categories_sizes"`
	DefaultLeft        []flag    `json:"default_left"`
	ID                 int       `json:"id"`
	LeftChildren       []int32   `json:"left_children"`
	LossChanges        []number  `json:"loss_changes"`
	Parents            []int32   `json:"parents"`
	RightChildren      []int32   `json:"right_children"`
	SplitConditions    []number  `json:"split_conditions"`
	SplitIndices       []int32   `json:"split_indices"`
	SplitType          []int32   `json:"split_type"`
	SumHessian         []number  `json:"sum_hessian"`
	Param              treeParam `json:"tree_param"`
}

type treeParam struct {
	NumDeleted     string `json:"num_deleted"`
	NumFeature     string `json:"num_feature"`
	NumNodes       string `json:"num_nodes"`
	SizeLeafVector string `json:"size_leaf_vector"`
}

// number is a float32 as XGBoost writes it: the shortest digits that give the same float32 back, "3.26E2".
type number float32

// MarshalJSON writes the number without quotes; 1E0 is JSON.
func (n number) MarshalJSON() ([]byte, error) { return []byte(formatNumber(float32(n))), nil }

// formatNumber writes 326 as 3.26E2 and 0.5 as 5E-1, as XGBoost does. What JSON has no number for is 0: none is in a valid model
// but at categorical splits, whose threshold nobody reads.
func formatNumber(f float32) string {
	if math.IsNaN(float64(f)) || math.IsInf(float64(f), 0) {
		return "0E0"
	}
	digits := strconv.FormatFloat(float64(f), 'E', -1, 32)
	mantissa, exponent, _ := bytes.Cut([]byte(digits), []byte("E"))
	e, _ := strconv.Atoi(string(exponent))
	return string(mantissa) + "E" + strconv.Itoa(e)
}

// flag is a boolean that the format writes as 0 or 1.
type flag bool

// MarshalJSON writes 1 or 0.
func (f flag) MarshalJSON() ([]byte, error) {
	if f {
		return []byte("1"), nil
	}
	return []byte("0"), nil
}

const rootParent = math.MaxInt32 // how the format says that a node has no parent

// formatVersion is that of the XGBoost whose layout is written.
var formatVersion = [...]int{1, 7, 4}

// Encode writes m in XGBoost's JSON format: the same bytes for the same model.
func (m *Model) Encode() ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	d := document{Version: formatVersion[:], Learner: learner{
		Attributes:   m.Attributes,
		FeatureNames: orEmpty(m.FeatureNames),
		FeatureTypes: orEmpty(m.FeatureTypes),
		GradientBooster: booster{Name: "gbtree", Model: boosterModel{
			Param:    boosterParam{"1", strconv.Itoa(len(m.Trees)), "0"},
			TreeInfo: orEmpty(m.TreeClass),
			Trees:    make([]tree, len(m.Trees)),
		}},
		Param: learnerParam{
			BaseScore:        encodeBase(m.BaseScore),
			BoostFromAverage: "0",
			NumClass:         strconv.Itoa(m.NumClass),
			NumFeature:       strconv.Itoa(m.NumFeature),
			NumTarget:        strconv.Itoa(max(m.NumTarget, 1)),
		},
		Objective: m.objective(),
	}}
	if d.Learner.Attributes == nil {
		d.Learner.Attributes = map[string]string{}
	}
	b := &d.Learner.GradientBooster.Model
	for i := 0; i <= len(m.Trees); i += m.Groups() {
		b.IterationIndptr = append(b.IterationIndptr, i)
	}
	for i := range m.Trees {
		b.Trees[i] = m.Trees[i].encode(i, m.NumFeature)
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // XGBoost reads no escapes of letters: "R&D" must be written so
	if err := e.Encode(d); err != nil {
		return nil, err
	}
	return theirEscapes(bytes.TrimSuffix(text.Bytes(), []byte("\n"))), nil
}

// escapes are what the encoder writes and XGBoost reads otherwise, or not at all: the line separators of Unicode, which are escaped for the sake of JavaScript, are written
// out; of the short escapes XGBoost knows none for backspace and form feed, and loads no file that has one.
var escapes = []struct{ ours, theirs string }{{`\u2028`, "\u2028"}, {`\u2029`, "\u2029"}, {`\b`, `\u0008`}, {`\f`, `\u000c`}}

// theirEscapes writes a JSON text so that XGBoost reads it.
func theirEscapes(text []byte) []byte {
	var out []byte
	from := 0
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		skip := 1
		for _, e := range escapes {
			if bytes.HasPrefix(text[i:], []byte(e.ours)) {
				out = append(append(out, text[from:i]...), e.theirs...)
				from, skip = i+len(e.ours), len(e.ours)-1
			}
		}
		i += skip
	}
	return append(out, text[from:]...)
}

// orEmpty makes [] of nil, which would be written as null.
func orEmpty[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// encodeBase writes 5E-1 for one base score, and [1E-1,2E-1] for one of each class.
func encodeBase(scores []float32) string {
	if len(scores) == 1 {
		return formatNumber(scores[0])
	}
	out := "["
	for i, s := range scores {
		if i > 0 {
			out += ","
		}
		out += formatNumber(s)
	}
	return out + "]"
}

// paramGroup says where the file has the parameters of an objective.
var paramGroup = map[Objective]string{
	PseudoHuber: "pseudo_huber_param", Poisson: "poisson_regression_param", Tweedie: "tweedie_regression_param", QuantileError: "quantile_loss_param",
}

// objective is the objective with the parameters that XGBoost demands to be there; they are for further training.
func (m *Model) objective() map[string]any {
	out := map[string]any{"name": string(m.Objective)}
	switch group := paramGroup[m.Objective]; {
	case m.NumClass > 0:
		out["softmax_multiclass_param"] = map[string]string{"num_class": strconv.Itoa(m.NumClass)}
	case group != "":
		if m.ObjectiveParam != nil {
			out[group] = m.ObjectiveParam
		}
	case m.Objective == Logistic, m.Objective == LogisticRatio, m.Objective == SquaredError:
		out["reg_loss_param"] = map[string]string{"scale_pos_weight": "1"}
	}
	return out
}

// encode makes the parallel arrays. Of a categorical node the condition is 0 and its categories are appended to those of all nodes.
func (t *Tree) encode(id, features int) tree {
	n := len(t.Nodes)
	out := tree{
		ID:          id,
		BaseWeights: make([]number, n), DefaultLeft: make([]flag, n), LossChanges: make([]number, n),
		LeftChildren: make([]int32, n), RightChildren: make([]int32, n), Parents: make([]int32, n),
		SplitConditions: make([]number, n), SplitIndices: make([]int32, n), SplitType: make([]int32, n),
		SumHessian: make([]number, n),
		Categories: []int32{}, CategoriesNodes: []int32{}, CategoriesSegments: []int32{}, CategoriesSizes: []int32{},
		Param: treeParam{"0", strconv.Itoa(features), strconv.Itoa(n), "0"},
	}
	for i := range t.Nodes {
		d := &t.Nodes[i]
		out.BaseWeights[i], out.LossChanges[i], out.SumHessian[i] = number(d.Weight), number(d.Gain), number(d.Hessian)
		out.LeftChildren[i], out.RightChildren[i] = d.Left, d.Right
		out.Parents[i] = d.Parent
		if d.Parent < 0 {
			out.Parents[i] = rootParent
		}
		out.SplitConditions[i], out.SplitIndices[i], out.DefaultLeft[i] = number(d.Value), d.Feature, flag(d.DefaultLeft)
		if d.Categories == nil {
			continue
		}
		out.SplitType[i], out.SplitConditions[i] = 1, 0
		out.CategoriesNodes = append(out.CategoriesNodes, int32(i))
		out.CategoriesSegments = append(out.CategoriesSegments, int32(len(out.Categories)))
		out.CategoriesSizes = append(out.CategoriesSizes, int32(len(d.Categories)))
		out.Categories = append(out.Categories, d.Categories...)
	}
	return out
}
