package schema

import (
	"fmt"
	"slices"
	"strings"
)

// Words of other tools. Whoever comes from Terraform, scikit-learn, XGBoost, dbt or MLflow writes n_estimators, test_size or depends_on, which
// no distance of letters leads from to trees, test and requires. A diagnostic of an unknown word looks here after it has looked for a word
// that is spelt nearly so:
//
//	train.model has no argument "n_estimators"
//	  here it is called trees
//
// A word may stand in several synonyms: the first whose name is among those that may stand at the place counts, so that max_iter is max_iterations
// of a linear model and trees of a boosted one. A synonym without a name says what to do instead (there are no folds: …). Words that mean
// something else elsewhere have a name beside them (among) that only the right block takes.

// synonym is what words of other tools are called here.
type synonym struct {
	words string   // of other tools, in small letters with _, parted by blanks
	here  []string // what they are called here; the first that is there counts
	why   string   // where there is no such thing, or more has to be said: what to do instead
	among string   // a name that must be there too, for words that mean other things elsewhere; "": none
}

// Vocabulary is a table of synonyms: which words of other tools mean which here.
type Vocabulary []synonym

// Meant is what a word of another tool is called here, of the names that there are, and a hint that says so. Both are empty
// if the word is not known; the name alone is where the hint says what to do instead. Case, and - for _, make no difference.
func (v Vocabulary) Meant(word string, names []string) (name, hint string) {
	word = strings.ToLower(strings.ReplaceAll(word, "-", "_"))
	for i := range v {
		s := &v[i]
		if !slices.Contains(strings.Fields(s.words), word) || s.among != "" && !slices.Contains(names, s.among) {
			continue
		}
		for _, h := range s.here {
			if !slices.Contains(names, h) {
				continue
			}
			if hint = fmt.Sprintf("here it is called %s", h); s.why != "" {
				hint += ": " + s.why
			}
			return h, hint
		}
		if len(s.here) == 0 {
			return "", s.why
		}
	}
	return "", ""
}

// KindWords are the synonyms of kinds of blocks.
func KindWords() Vocabulary {
	return Vocabulary{
		{words: "models trainer training estimator fit learner classifier regressor", here: []string{"train"}, why: `train "gradient_boosting" "name" { … }`},
		{words: "evaluation eval evaluator score scoring scorer validate", here: []string{"evaluate"}},
		{words: "transform transformation table view query sql sql_model staging preprocess preprocessing cleaning etl mart", here: []string{"dataset"}, why: `dataset "name" { from = […] sql = "select …" }`},
		{words: "data input inputs dataloader loader csv parquet file files", here: []string{"source"}, why: `source "csv" "name" { path = "data.csv" }`},
		{words: "features feature_set featureset feature_view feature_group", here: []string{"feature"}},
		{words: "target labels ground_truth", here: []string{"label"}},
		{words: "validation validations expectation expectations expectation_suite assertion assert quality data_quality expect", here: []string{"check"}, why: `check "name" { on = source.x … }`},
		{words: "rule rules policy policies approval approvals promotion condition", here: []string{"gate"}, why: `rules and approvals stand in it: gate "release" { rule "good enough" { assert = "…" } }`},
		{words: "deployment release endpoint service serve serving inference predict prediction batch_transform registry model_registry", here: []string{"deploy"}, why: `deploy "http" "name" { … }, or deploy "batch"`},
		{words: "monitoring drift alert alerts drift_monitor data_drift", here: []string{"monitor"}},
		{words: "notification notifications notifier alerting alertmanager email pager", here: []string{"notify"}},
		{words: "experiment project workflow dag job flow", here: []string{"pipeline"}, why: "stages have kinds of their own, and run in the order of their references"},
		{words: "step stage task op component run", why: "each stage has a kind of its own: dataset, train, evaluate, …; they run in the order of their references"},
		{words: "var variables param params parameter parameters arg", here: []string{"variable"}},
		{words: "local const constants", here: []string{"locals"}},
		{words: "outputs artifact", here: []string{"output"}},
		{words: "metrics scorer_fn", here: []string{"metric"}, why: `each is a block: metric "auc" { type = "roc_auc" }`},
		{words: "train_test_split splits sampling holdout", here: []string{"split"}, why: `split "hash" "name" { from = dataset.x test = 0.2 }`},
		{words: "cv cross_validation crossvalidation kfold k_fold folds", why: `tune in train measures trials on folds { count = 5 }; for figures by fold repeat split, train and evaluate with for_each`},
		{words: "tune tuning tuner sweep search grid_search gridsearch hyperparameters hyperparameter_search optuna automl study", why: `a block tune in train tries parameters: tune { metric = metric.auc space { max_depth = [4, 6, 8] } }`},
		{words: "selection model_selection best choose candidates", here: []string{"select"}, why: "the best of several models by a metric, on the selection side of a split"},
		{words: "champion challenger compare", why: "evaluate each candidate, and let a gate's rules compare their figures; gate.champion names the deployment that is live"},
		{words: "profiling explore report", why: `a profile tells what a table is like: profile "name" { on = source.x }`},
		{words: "requirement requirements use_case", here: []string{"problem"}, why: "requirements stand in it"},
		{words: "import", why: "nothing is imported: what ran is found by its fingerprint; a block that was renamed is said by moved { from = … to = … }"},
		{words: "removed", why: "take the block out: the plan shows that what is recorded of it goes"},
		{words: "backend cloud", why: "the state lies in .mlp beside the pipeline"},
		{words: "secrets credential credentials", here: []string{"secret"}},
		{words: "anomaly anomalies outlier outliers isolation_forest cluster clusters clustering kmeans k_means segmentation", why: `blocks isolation_forest "name" { } and k_means "name" { } in a trainer are inputs of its model, and in a profile its figures`},
		{words: "schedule cron trigger", why: "mlp runs when it is called: let cron or CI call 'mlp apply'"},
		{words: "resource", why: `what Terraform calls a resource has a kind of its own here: dataset "x" { … }, train "gradient_boosting" "x" { … }`},
		{words: "terraform", why: `what is about the whole is the pipeline block: pipeline "x" { … }`},
		{words: "provider", why: "there are no providers: each type of block is built in"},
		{words: "imports from def class", why: `this is no program: blocks are written kind "name" { … }`},
	}
}

// TypeWords are the synonyms of types of a kind; nil for a kind whose types nobody calls otherwise.
func TypeWords(kind string) Vocabulary {
	switch kind {
	case "train":
		return Vocabulary{
			{words: "xgboost xgb xgbclassifier xgbregressor lightgbm lgbm lgbmclassifier catboost gbm gbdt gbt boosting boosted_trees gradientboosting gradient_boosting_classifier gradientboostingclassifier " +
				"gradientboostingregressor histgradientboosting histgradientboostingclassifier hist_gradient_boosting trees tree decision_tree", here: []string{"gradient_boosting"}},
			{words: "randomforest randomforestclassifier randomforestregressor forest rf ranger extra_trees extratrees", here: []string{"random_forest"}},
			{words: "svm svc svr naive_bayes gaussiannb neural_network nn mlp mlpclassifier deep_learning pytorch torch tensorflow tf keras transformer bert " +
				"sklearn scikit_learn python custom script docker image arima prophet statsmodels h2o spark", here: []string{"container"}, why: "an image of your own trains what is not built in"},
			{words: "logistic logit logreg logisticregression lr classification sgdclassifier linear_classifier", here: []string{"logistic_regression"}},
			{words: "linear ols linearregression ridge lasso elastic_net elasticnet least_squares regression sgdregressor glm", here: []string{"linear_regression"}},
			{words: "kmeans k_means clustering isolation_forest isolationforest anomaly anomaly_detection", why: `they have no target: blocks k_means "name" { } and isolation_forest "name" { } in a trainer are inputs of its model, and in a profile its figures`},
			{words: "knn k_neighbors kneighbors kneighborsclassifier kneighborsregressor nearest_neighbors nearestneighbors neighbors", here: []string{"k_nearest_neighbors"}},
			{words: "dummy dummyclassifier dummyregressor constant mean median majority prior naive", here: []string{"baseline"}},
			{words: "model classifier regressor estimator default", why: `say which: "gradient_boosting", "logistic_regression" or "linear_regression"`},
		}
	case "model":
		return Vocabulary{
			{words: "xgboost xgb lightgbm lgbm onnx json ubj booster pretrained trained external import path", here: []string{"file"}, why: "what a file is, it looks like; a model that is trained here is a train block"},
			{words: "gradient_boosting random_forest logistic_regression linear_regression baseline container classifier regressor", why: `a model that is trained here is a block train: train "gradient_boosting" "name" { … }`},
			{words: "pickle joblib pkl sklearn pmml pytorch torch tensorflow keras h5 safetensors", why: `of files models of trees are read; others are scored by an image of your own: train "container"`},
		}
	case "split":
		return Vocabulary{
			{words: "random train_test_split traintestsplit shuffle shuffled holdout ratio percentage simple uniform group groupshufflesplit grouped", here: []string{"hash"}, why: "by a hash of the key, so that a row keeps its side as data grows"},
			{words: "stratify stratifiedshufflesplit stratified_shuffle balanced", here: []string{"stratified"}},
			{words: "temporal date chronological time_series timeseries time_based sequential", here: []string{"time"}},
			{words: "timeseriessplit walk_forward rolling rolling_origin forward_chaining expanding", here: []string{"backtest"}, why: "one window of several, by for_each"},
			{words: "fixed predefined predefinedsplit manual given", here: []string{"column"}},
			{words: "kfold k_fold cv cross_validation stratifiedkfold", why: `a split has no folds, and tune in train has; for figures by fold repeat split "hash" with for_each and another seed each`},
		}
	case "source":
		return Vocabulary{
			{words: "postgresql pg psql", here: []string{"postgres"}},
			{words: "sqlite3", here: []string{"sqlite"}},
			{words: "http https url", here: []string{"csv"}, why: `path may be the address of a file: path = "https://example.com/data.csv"`},
			{words: "mysql snowflake bigquery redshift databricks duckdb jdbc odbc database db sql s3 gcs azure api kafka stream delta iceberg hive table", why: `sources read files: export it as Parquet, and write source "parquet"`},
			{words: "jsonl ndjson jsonlines json_lines", here: []string{"json"}},
			{words: "excel xlsx xls feather arrow avro orc pickle hdf5 npy pandas", why: `files are CSV, JSON or Parquet: convert it, and write source "parquet"`},
			{words: "tsv text txt file", here: []string{"csv"}, why: `with delimiter = "\t" for tabs`},
		}
	case "deploy":
		return Vocabulary{
			{words: "rest api endpoint online fastapi flask server serving web grpc realtime real_time sagemaker kserve", here: []string{"http"}},
			{words: "offline scheduled bulk predictions table", here: []string{"batch"}},
			{words: "kubernetes k8s lambda cloud edge docker", here: []string{"http"}, why: "mlp serve answers wherever it runs"},
		}
	case "monitor":
		return Vocabulary{
			{words: "data_drift psi distribution covariate_shift feature_drift", here: []string{"drift"}},
			{words: "quality accuracy model concept_drift metrics", here: []string{"performance"}},
		}
	case "evaluate":
		return Vocabulary{{words: "test holdout classification regression binary default", here: []string{"model"}, why: "that is the default and need not be written"}, {words: "json report external", here: []string{"file"}}}
	case "dataset", "feature":
		return Vocabulary{{words: "query duckdb select view transform python pandas dbt", here: []string{"sql"}}}
	case "check":
		return Vocabulary{{words: "data schema expectations great_expectations dataset source", here: []string{"table"}, why: "that is the default and need not be written"}}
	}
	return nil
}

// ValueWords are the synonyms of values that an attribute takes.
func ValueWords() Vocabulary {
	return Vocabulary{
		{words: "auc roc auroc roc_auc_score rocauc area_under_curve gini", here: []string{"roc_auc"}},
		{words: "roc_auc_ovo auc_ovr multiclass_auc", here: []string{"roc_auc_ovr"}},
		{words: "acc accuracy_score", here: []string{"accuracy"}}, {words: "balanced_accuracy_score bacc", here: []string{"balanced_accuracy"}},
		{words: "f1_score f_score fscore fbeta f1_macro f1_micro", here: []string{"f1"}}, {words: "precision_score positive_predictive_value ppv", here: []string{"precision"}},
		{words: "recall_score", here: []string{"recall"}}, {words: "tpr hit_rate", here: []string{"true_positive_rate"}}, {words: "fpr fall_out", here: []string{"false_positive_rate"}},
		{words: "tnr", here: []string{"true_negative_rate"}}, {words: "fnr miss_rate", here: []string{"false_negative_rate"}}, {words: "npv", here: []string{"negative_predictive_value"}},
		{words: "pr_auc prauc auprc aucpr ap map average_precision_score", here: []string{"average_precision"}},
		{words: "logloss cross_entropy crossentropy binary_crossentropy neg_log_loss nll deviance", here: []string{"log_loss"}},
		{words: "brier brier_score_loss", here: []string{"brier_score"}}, {words: "mcc matthews matthews_correlation", here: []string{"matthews_corrcoef"}},
		{words: "kappa cohens_kappa cohen_kappa_score", here: []string{"cohen_kappa"}},
		{words: "mse neg_mean_squared_error l2", here: []string{"mean_squared_error"}}, {words: "mae neg_mean_absolute_error l1", here: []string{"mean_absolute_error"}},
		{words: "rmse neg_root_mean_squared_error", here: []string{"root_mean_squared_error"}}, {words: "mape", here: []string{"mean_absolute_percentage_error"}},
		{words: "wape wmape weighted_mape", here: []string{"weighted_absolute_percentage_error"}},
		{words: "medae", here: []string{"median_absolute_error"}}, {words: "r2_score r_squared rsquared explained_variance", here: []string{"r2"}},
		{words: "binary binary_logistic logistic two_class binclass", here: []string{"binary_classification"}},
		{words: "classification classifier", here: []string{"binary_classification"}, why: "of two classes; of more, multiclass_classification"},
		{words: "multiclass multi_class multinomial softmax multilabel", here: []string{"multiclass_classification"}},
		{words: "regressor continuous numeric reg_squarederror forecasting", here: []string{"regression"}},
		{words: "error critical failure block deny stop", here: []string{"fail"}}, {words: "warning info soft notice", here: []string{"warn"}},
		{words: "max maximise higher greater up", here: []string{"maximize"}}, {words: "min minimise lower less down", here: []string{"minimize"}},
	}
}

// ArgumentWords are the synonyms of arguments and nested blocks, of all kinds: which of them is meant shows in what the block takes.
func ArgumentWords() Vocabulary {
	return Vocabulary{
		{words: "n_estimators num_boost_round num_trees n_trees ntrees ntree num_rounds nrounds rounds n_iter num_iterations epochs", here: []string{"trees", "max_iterations"}},
		{words: "max_iter iterations max_epochs", here: []string{"max_iterations", "trees"}}, {words: "eta lr shrinkage step_size", here: []string{"learning_rate"}},
		{words: "depth tree_depth max_tree_depth", here: []string{"max_depth"}}, {words: "num_leaves max_leaf_nodes leaves", here: []string{"max_leaves"}},
		{words: "min_samples_leaf min_child_samples min_data_in_leaf min_samples_split", here: []string{"min_child_weight"}},
		{words: "reg_lambda l2 l2_regularization lambda_l2 alpha reg_alpha", here: []string{"lambda"}}, {words: "min_split_loss min_gain_to_split min_impurity_decrease", here: []string{"gamma"}},
		{words: "bagging_fraction sample_rate row_sample", here: []string{"subsample"}}, {words: "colsample_bytree colsample feature_fraction max_features", here: []string{"column_sample"}},
		{words: "early_stopping early_stopping_round n_iter_no_change patience", here: []string{"early_stopping_rounds"}, why: "it needs validation rows"},
		{words: "c reg_c", here: []string{"l2"}, why: "the penalty itself, which is greater where scikit-learn's C is smaller"},
		{words: "c penalty solver dropout batch_size optimizer activation hidden_layer_sizes n_jobs verbose tol", why: "the trainer has no such parameter; see 'mlp docs train'"},
		{words: "hyperparameters hyperparams parameters hparams kwargs args config options settings", here: []string{"params"}, why: "params { … } without ="},
		{words: "random_state random_seed rng rng_seed randomness", here: []string{"seed"}},
		{words: "test_size test_fraction test_ratio test_share test_split holdout_size", here: []string{"test"}},
		{words: "val val_size valid_size validation_size validation_fraction val_fraction eval_size dev_size", here: []string{"validation"}},
		{words: "selection_size selection_fraction selection_share holdout_selection", here: []string{"selection"}, why: "the share of rows to choose among models by"},
		{words: "train_size train_fraction train_ratio", here: []string{"test"}, why: "the train side is what validation and test leave"},
		{words: "stratify stratify_by strata", here: []string{"by"}, why: `in split "stratified"`},
		{words: "stratify stratify_by strata", why: `split "stratified" keeps the shares of classes: split "stratified" "name" { by = "good" … }`, among: "test"}, {words: "shuffle", why: `rows go to a side by a hash of their key: there is no order to shuffle`},
		{words: "label labels y target_column target_col target_name y_column response outcome dependent class", here: []string{"target", "column"}, why: "the name of a column, in quotes"},
		{words: "pos_label positive_class positive_label pos_class", here: []string{"positive"}},
		{words: "x feature feature_columns feature_cols feature_names predictors inputs independent x_columns columns", here: []string{"features"}, why: `a list of names of columns: ["amount", "age"]`},
		{words: "dataset data_source training_data train_data train_set training_set df dataframe x_train input table source", here: []string{"data", "from", "on"}, why: "a reference, without quotes: dataset.x"},
		{words: "validation_data eval_set val_data valid valid_data dev eval_data", here: []string{"validation"}, why: "a reference, such as split.x.validation"},
		{words: "test_data test_set x_test", here: []string{"data"}, why: "a reference, such as split.x.test"},
		{words: "inputs input table tables source sources dataset data using upstream", here: []string{"from", "on", "data", "reference"}, why: "a reference, without quotes: source.x"},
		{words: "estimator trainer trained_model model_name classifier", here: []string{"model"}, why: "a reference, without quotes: train.x"},
		{words: "depends_on depends needs after wait_for upstream dependencies", here: []string{"requires", "after"}, why: "a reference in another argument orders by itself, and requires names checks and gates that must have passed"},
		{words: "lifecycle prevent_destroy ignore_changes", why: "there is no lifecycle: what may be released is a gate's affair"},
		{words: "enabled disabled", why: "a block that is not wanted is taken out, or repeated with for_each over an empty set"},
		{words: "foreach each loop repeat with_items matrix", here: []string{"for_each"}},
		{words: "objective problem_type type learning_task mode loss", here: []string{"task"}}, {words: "scoring metric score scores", here: []string{"metrics"}, why: "references in a list: [metric.auc]"},
		{words: "scoring metric score score_func function", here: []string{"type"}, why: `the name of a metric, in quotes: type = "roc_auc"`, among: "zero_division"},
		{words: "threshold cutoff decision_threshold", why: `from which score on a row is positive is part of the model: decision { maximize = metric.x } in its train block fits that, and without it it is 0.5`, among: "min_positives"},
		{words: "threshold cutoff decision_threshold", here: []string{"decision"}, why: "decision { maximize = metric.x } fits it on the validation rows"},
		{words: "query select statement code expression", here: []string{"sql", "expr"}}, {words: "function fn transform agg", here: []string{"expr", "sql"}, why: "an expression in SQL"},
		{words: "file filename file_name filepath file_path uri url location paths files glob", here: []string{"path", "source"}, why: "a file or pattern in this folder"},
		{words: "sep separator delim field_separator", here: []string{"delimiter"}}, {words: "na_values na null_value missing_values nulls", here: []string{"null_values"}},
		{words: "has_header header_row skip_header skiprows", here: []string{"header"}}, {words: "schema dtypes dtype fields columns", here: []string{"column"}, why: `a block for each: column "amount" { type = "double" }`},
		{words: "index index_col primary_key unique_key id id_column pk keys", here: []string{"key", "on"}, why: "a list of names of columns"},
		{words: "timestamp time_column time_col date date_column event_time event_timestamp ts datetime", here: []string{"time", "event_time", "by"}, why: "the name of a column"},
		{words: "group groups group_by groupby entity_id entity_key entities user join_key", here: []string{"entity", "by", "column"}, why: "a list of names of columns"},
		{words: "by group groups group_by groupby", why: `split "group" keeps rows of one group on one side: split "group" "name" { by = ["patient"] … }; split "column" goes by the values of a column`, among: "test"},
		{words: "sample_weight sample_weights weights class_weight weight_column scale_pos_weight", here: []string{"weight"}, why: "the name of a column of numbers; compute it in a dataset"},
		{words: "window period lookback ttl duration interval horizon", here: []string{"over", "max_age", "matures_after"}, why: `a duration, such as "30d"`},
		{words: "condition expr expression check test when if rule require criteria", here: []string{"assert", "where", "when", "condition"}, why: "a condition in quotes"},
		{words: "msg error_message description text reason title", here: []string{"message", "statement", "text", "reason"}}, {words: "level priority on_fail action", here: []string{"severity"}},
		{words: "approvers approver reviewers reviewer roles by who groups", here: []string{"from"}, why: "a list of names", among: "when"},
		{words: "gates policy approval guard", here: []string{"gate", "after"}, why: "a reference, without brackets: gate.release"},
		{words: "min_value max_value range min max bounds limits", here: []string{"between"}, why: "between = [0, 100]"}, {words: "not_nullable nullable required non_null", here: []string{"not_null"}},
		{words: "allowed_values values enum choices one_of accepted_values", here: []string{"in_set"}}, {words: "regex pattern", here: []string{"matches"}},
		{words: "baseline expected train_data", here: []string{"reference", "baseline"}}, {words: "production live serving_data", here: []string{"current"}},
		{words: "version tag alias stage name id", why: "a block is called by its label; what is live is recorded by an apply"},
		{words: "schedule cron every trigger", why: "mlp runs when it is called: let cron or CI call 'mlp apply'"},
		{words: "memory mem ram", here: []string{"memory_mb"}, why: "in MiB"}, {words: "max_memory memory_limit", here: []string{"max_memory_mb"}, why: "in MiB"}, {words: "cpu cores threads", here: []string{"cpus"}}, {words: "timeout_seconds max_runtime", here: []string{"timeout"}, why: `a duration, such as "2h"`},
		{words: "retry max_retries attempts", here: []string{"retries"}}, {words: "gpu gpus accelerator", why: "stages run on processors"},
		{words: "num_replicas workers num_workers nodes nnodes world_size nproc_per_node", here: []string{"replicas"}},
		{words: "replicas num_replicas num_workers nnodes world_size nproc_per_node", why: "only train and stage of the types container and python run as several"},
		{words: "docker_image container base_image", here: []string{"image"}}, {words: "cmd entrypoint script args", here: []string{"command"}}, {words: "environment env_vars envs", here: []string{"env"}},
		{words: "cached use_cache", here: []string{"cache"}}, {words: "doc docs comment notes help", here: []string{"description"}}, {words: "team author maintainer owners", here: []string{"owner"}},
		{words: "value", here: []string{"default", "value"}},
		{words: "sensitive_columns personal pii_columns", here: []string{"pii"}}, {words: "protected_columns sensitive_features sensitive_attributes", here: []string{"protected", "column"}},
	}
}

// FunctionWords are the synonyms of functions of HCL.
func FunctionWords() Vocabulary {
	return Vocabulary{
		{words: "len size count", here: []string{"length"}}, {words: "str string", here: []string{"tostring"}}, {words: "int float number", here: []string{"tonumber"}}, {words: "bool boolean", here: []string{"tobool"}},
		{words: "list array tuple", here: []string{"tolist"}}, {words: "set unique", here: []string{"toset"}}, {words: "map dict object", here: []string{"tomap"}}, {words: "append extend union", here: []string{"concat"}},
		{words: "read readfile open load", here: []string{"file"}}, {words: "filemd5 filesha256 filebase64sha256 md5 sha256 hash", here: []string{"filehash"}},
		{words: "printf sprintf string_format", here: []string{"format"}}, {words: "json to_json encode", here: []string{"jsonencode"}}, {words: "parse from_json decode", here: []string{"jsondecode"}},
		{words: "startswith endswith", here: []string{"regex"}}, {words: "zip dict_zip", here: []string{"zipmap"}}, {words: "ifelse iif cond", why: "write condition ? a : b"},
		{words: "round", here: []string{"floor"}, why: "floor(x + 0.5)"}, {words: "sum mean avg", why: "figures are computed in SQL and in rules"}, {words: "yamldecode", here: []string{"jsondecode"}},
	}
}

// ConstantWords are the spellings of constants in other languages, with what they are here.
func ConstantWords() map[string]string {
	return map[string]string{
		"True": "true", "TRUE": "true", "yes": "true", "Yes": "true", "on": "true", "False": "false", "FALSE": "false", "no": "false", "No": "false", "off": "false",
		"None": "null", "NULL": "null", "Null": "null", "nil": "null", "undefined": "null",
	}
}
