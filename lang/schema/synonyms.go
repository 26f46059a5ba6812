package schema

import (
	"fmt"
	"slices"
	"strings"
)

// synonym is what words of other tools are called here.
type synonym struct {
	words string   // of other tools, in small letters with _, parted by blanks
	here  []string // what they are called here; the first that is there counts
	why   string   // where there is no such thing, or more has to be said: what to do instead
}

// Vocabulary is a table of synonyms: which words of other tools mean which here.
type Vocabulary []synonym

// Meant is what a word of another tool is called here, of the names that there are, and a hint that says so. Both are empty
// if the word is not known.
func (v Vocabulary) Meant(word string, names []string) (name, hint string) {
	word = strings.ToLower(strings.ReplaceAll(word, "-", "_"))
	for i := range v {
		s := &v[i]
		if !slices.Contains(strings.Fields(s.words), word) {
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

// Kinds are the synonyms of kinds of blocks.
func KindWords() Vocabulary {
	return Vocabulary{
		{"model models trainer training estimator fit learner classifier regressor", []string{"train"}, `train "gradient_boosting" "name" { … }`},
		{"evaluation eval evaluator score scoring scorer validate", []string{"evaluate"}, ""},
		{"transform transformation table view query sql sql_model staging preprocess preprocessing cleaning etl mart", []string{"dataset"}, `dataset "name" { from = […] sql = "select …" }`},
		{"data input inputs dataloader loader csv parquet file files", []string{"source"}, `source "csv" "name" { path = "data.csv" }`},
		{"features feature_set featureset feature_view feature_group", []string{"feature"}, ""},
		{"target labels ground_truth", []string{"label"}, ""},
		{"validation validations expectation expectations expectation_suite assertion assert quality data_quality expect", []string{"check"}, `check "name" { on = source.x … }`},
		{"rule rules policy policies approval approvals promotion condition", []string{"gate"}, `rules and approvals stand in it: gate "release" { rule "good enough" { assert = "…" } }`},
		{"deployment release endpoint service serve serving inference predict prediction batch_transform registry model_registry", []string{"deploy"}, `deploy "http" "name" { … }, or deploy "batch"`},
		{"monitoring drift alert alerts drift_monitor data_drift", []string{"monitor"}, ""},
		{"experiment project workflow dag job flow", []string{"pipeline"}, "stages have kinds of their own, and run in the order of their references"},
		{"step stage task op component run", nil, "each stage has a kind of its own: dataset, train, evaluate, …; they run in the order of their references"},
		{"var variables param params parameter parameters arg", []string{"variable"}, ""},
		{"local const constants", []string{"locals"}, ""},
		{"outputs artifact", []string{"output"}, ""},
		{"metrics scorer_fn", []string{"metric"}, `each is a block: metric "auc" { type = "roc_auc" }`},
		{"train_test_split splits sampling holdout", []string{"split"}, `split "hash" "name" { from = dataset.x test = 0.2 }`},
		{"cv cross_validation crossvalidation kfold k_fold folds", nil, `there are no folds: repeat split, train and evaluate with for_each, and compare in one gate`},
		{"tune tuning tuner sweep search grid_search gridsearch hyperparameters hyperparameter_search optuna automl study", nil,
			`candidates are written out: repeat train with for_each = { small = 100, large = 300 }, evaluate each, and compare in a gate`},
		{"select selection champion challenger compare", nil, "evaluate each candidate, and let a gate's rules compare their figures; gate.champion names the deployment that is live"},
		{"profile profiling explore report", nil, `a check over a table yields its figures: check "name" { on = source.x }`},
		{"requirement requirements use_case", []string{"problem"}, "requirements stand in it"},
		{"import", nil, "nothing is imported: what ran is found by its fingerprint; a block that was renamed is said by moved { from = … to = … }"},
		{"removed", nil, "take the block out: the plan shows that what is recorded of it goes"},
		{"backend cloud", nil, "the state lies in .mlp beside the pipeline"},
		{"secrets credential credentials", []string{"secret"}, ""},
		{"schedule cron trigger", nil, "mlp runs when it is called: let cron or CI call 'mlp apply'"},
		{"resource", nil, `what Terraform calls a resource has a kind of its own here: dataset "x" { … }, train "gradient_boosting" "x" { … }`},
		{"terraform", nil, `what is about the whole is the pipeline block: pipeline "x" { … }`},
		{"provider", nil, "there are no providers: each type of block is built in"},
		{"imports from def class", nil, `this is no program: blocks are written kind "name" { … }`},
	}
}

// TypeWords are the synonyms of types, by kind.
func TypeWords(kind string) Vocabulary {
	switch kind {
	case "train":
		return Vocabulary{
			{"xgboost xgb xgbclassifier xgbregressor lightgbm lgbm lgbmclassifier catboost gbm gbdt gbt boosting boosted_trees gradientboosting gradient_boosting_classifier gradientboostingclassifier " +
				"gradientboostingregressor histgradientboosting histgradientboostingclassifier hist_gradient_boosting trees tree decision_tree", []string{"gradient_boosting"}, ""},
			{"random_forest randomforest randomforestclassifier randomforestregressor forest rf extra_trees extratrees", nil,
				`there is no forest: take "gradient_boosting", or train "container" with an image of your own`},
			{"svm svc svr knn k_neighbors kneighborsclassifier naive_bayes gaussiannb neural_network nn mlp mlpclassifier deep_learning pytorch torch tensorflow tf keras transformer bert " +
				"sklearn scikit_learn python custom script docker image kmeans clustering isolation_forest arima prophet statsmodels h2o spark", []string{"container"}, "an image of your own trains what is not built in"},
			{"logistic logit logreg logisticregression lr classification sgdclassifier linear_classifier", []string{"logistic_regression"}, ""},
			{"linear ols linearregression ridge lasso elastic_net elasticnet least_squares regression sgdregressor glm", []string{"linear_regression"}, ""},
			{"dummy dummyclassifier dummyregressor constant mean median majority prior naive", []string{"baseline"}, ""},
			{"model classifier regressor estimator default", nil, `say which: "gradient_boosting", "logistic_regression" or "linear_regression"`},
		}
	case "split":
		return Vocabulary{
			{"random train_test_split traintestsplit shuffle shuffled holdout ratio percentage simple uniform group groupshufflesplit grouped", []string{"hash"}, "by a hash of the key, so that a row keeps its side as data grows"},
			{"stratify stratifiedshufflesplit stratified_shuffle balanced", []string{"stratified"}, ""},
			{"temporal date chronological time_series timeseries timeseriessplit time_based sequential", []string{"time"}, ""},
			{"fixed predefined predefinedsplit manual given", []string{"column"}, ""},
			{"kfold k_fold cv cross_validation stratifiedkfold", nil, `there are no folds: repeat split "hash" with for_each and another seed each`},
		}
	case "source":
		return Vocabulary{
			{"postgres postgresql mysql snowflake bigquery redshift databricks sqlite duckdb jdbc odbc database db sql s3 gcs azure http https api kafka stream delta iceberg hive table", nil,
				`sources read files: export it as Parquet, and write source "parquet"`},
			{"json jsonl ndjson excel xlsx xls feather arrow avro orc pickle hdf5 npy pandas", nil, `files are CSV or Parquet: convert it, and write source "parquet"`},
			{"tsv text txt file", []string{"csv"}, `with delimiter = "\t" for tabs`},
		}
	case "deploy":
		return Vocabulary{
			{"rest api endpoint online fastapi flask server serving web grpc realtime real_time sagemaker kserve", []string{"http"}, ""},
			{"offline scheduled bulk predictions table", []string{"batch"}, ""},
			{"kubernetes k8s lambda cloud edge docker", []string{"http"}, "mlp serve answers wherever it runs"},
		}
	case "monitor":
		return Vocabulary{
			{"data_drift psi distribution covariate_shift feature_drift", []string{"drift"}, ""},
			{"quality accuracy model concept_drift metrics", []string{"performance"}, ""},
		}
	case "evaluate":
		return Vocabulary{{"test holdout classification regression binary default", []string{"model"}, "that is the default and need not be written"}, {"json report external", []string{"file"}, ""}}
	case "dataset", "feature":
		return Vocabulary{{"query duckdb select view transform python pandas dbt", []string{"sql"}, ""}}
	case "check":
		return Vocabulary{{"data schema expectations great_expectations dataset source", []string{"table"}, "that is the default and need not be written"}}
	}
	return nil
}

// ValueWords are the synonyms of values that an attribute takes.
func ValueWords() Vocabulary {
	return Vocabulary{
		{"auc roc auroc roc_auc_score rocauc area_under_curve gini", []string{"roc_auc"}, ""},
		{"roc_auc_ovo auc_ovr multiclass_auc", []string{"roc_auc_ovr"}, ""},
		{"acc accuracy_score", []string{"accuracy"}, ""}, {"balanced_accuracy_score bacc", []string{"balanced_accuracy"}, ""},
		{"f1_score f_score fscore fbeta f1_macro f1_micro", []string{"f1"}, ""}, {"precision_score positive_predictive_value ppv", []string{"precision"}, ""},
		{"recall_score", []string{"recall"}, ""}, {"tpr hit_rate", []string{"true_positive_rate"}, ""}, {"fpr fall_out", []string{"false_positive_rate"}, ""},
		{"tnr", []string{"true_negative_rate"}, ""}, {"fnr miss_rate", []string{"false_negative_rate"}, ""}, {"npv", []string{"negative_predictive_value"}, ""},
		{"pr_auc prauc auprc aucpr ap map average_precision_score", []string{"average_precision"}, ""},
		{"logloss cross_entropy crossentropy binary_crossentropy neg_log_loss nll deviance", []string{"log_loss"}, ""},
		{"brier brier_score_loss", []string{"brier_score"}, ""}, {"mcc matthews matthews_correlation", []string{"matthews_corrcoef"}, ""},
		{"kappa cohens_kappa cohen_kappa_score", []string{"cohen_kappa"}, ""},
		{"mse neg_mean_squared_error l2", []string{"mean_squared_error"}, ""}, {"mae neg_mean_absolute_error l1", []string{"mean_absolute_error"}, ""},
		{"rmse neg_root_mean_squared_error", []string{"root_mean_squared_error"}, ""}, {"mape", []string{"mean_absolute_percentage_error"}, ""},
		{"medae", []string{"median_absolute_error"}, ""}, {"r2_score r_squared rsquared explained_variance", []string{"r2"}, ""},
		{"binary binary_logistic logistic two_class binclass", []string{"binary_classification"}, ""},
		{"classification classifier", []string{"binary_classification"}, "of two classes; of more, multiclass_classification"},
		{"multiclass multi_class multinomial softmax multilabel", []string{"multiclass_classification"}, ""},
		{"regressor continuous numeric reg_squarederror forecasting", []string{"regression"}, ""},
		{"error critical failure block deny stop", []string{"fail"}, ""}, {"warning info soft notice", []string{"warn"}, ""},
		{"max maximise higher greater up", []string{"maximize"}, ""}, {"min minimise lower less down", []string{"minimize"}, ""},
	}
}

// ArgumentWords are the synonyms of arguments and nested blocks.
func ArgumentWords() Vocabulary {
	return Vocabulary{
		{"n_estimators num_boost_round num_trees n_trees ntrees ntree num_rounds nrounds rounds n_iter num_iterations epochs", []string{"trees", "max_iterations"}, ""},
		{"max_iter iterations max_epochs", []string{"max_iterations", "trees"}, ""}, {"eta lr shrinkage step_size", []string{"learning_rate"}, ""},
		{"depth tree_depth max_tree_depth", []string{"max_depth"}, ""}, {"num_leaves max_leaf_nodes leaves", []string{"max_leaves"}, ""},
		{"min_samples_leaf min_child_samples min_data_in_leaf min_samples_split", []string{"min_child_weight"}, ""},
		{"reg_lambda l2 l2_regularization lambda_l2 alpha reg_alpha", []string{"lambda"}, ""}, {"min_split_loss min_gain_to_split min_impurity_decrease", []string{"gamma"}, ""},
		{"bagging_fraction sample_rate row_sample", []string{"subsample"}, ""}, {"colsample_bytree colsample feature_fraction max_features", []string{"column_sample"}, ""},
		{"early_stopping early_stopping_round n_iter_no_change patience", []string{"early_stopping_rounds"}, "it needs validation rows"},
		{"c penalty solver dropout batch_size optimizer activation hidden_layer_sizes n_jobs verbose tol", nil, "the trainer has no such parameter; see 'mlp docs train'"},
		{"hyperparameters hyperparams parameters hparams kwargs args config options settings", []string{"params"}, "params { … } without ="},
		{"random_state random_seed rng rng_seed randomness", []string{"seed"}, ""},
		{"test_size test_fraction test_ratio test_share test_split holdout_size", []string{"test"}, ""},
		{"val val_size valid_size validation_size validation_fraction val_fraction eval_size dev_size", []string{"validation"}, ""},
		{"train_size train_fraction train_ratio", []string{"test"}, "the train side is what validation and test leave"},
		{"stratify stratify_by strata", []string{"by"}, `in split "stratified"`}, {"shuffle", nil, `rows go to a side by a hash of their key: there is no order to shuffle`},
		{"label labels y target_column target_col target_name y_column response outcome dependent class", []string{"target", "column"}, "the name of a column, in quotes"},
		{"pos_label positive_class positive_label pos_class", []string{"positive"}, ""},
		{"x feature feature_columns feature_cols feature_names predictors inputs independent x_columns columns", []string{"features"}, `a list of names of columns: ["amount", "age"]`},
		{"dataset data_source training_data train_data train_set training_set df dataframe x_train input table source", []string{"data", "from", "on"}, "a reference, without quotes: dataset.x"},
		{"validation_data eval_set val_data valid valid_data dev eval_data", []string{"validation"}, "a reference, such as split.x.validation"},
		{"test_data test_set x_test", []string{"data"}, "a reference, such as split.x.test"},
		{"inputs input table tables source sources dataset data using upstream", []string{"from", "on", "data", "reference"}, "a reference, without quotes: source.x"},
		{"estimator trainer trained_model model_name classifier", []string{"model"}, "a reference, without quotes: train.x"},
		{"depends_on depends needs after wait_for upstream dependencies", []string{"requires", "after"}, "a reference in another argument orders by itself, and requires names checks and gates that must have passed"},
		{"lifecycle prevent_destroy ignore_changes", nil, "there is no lifecycle: what may be released is a gate's affair"},
		{"enabled disabled", nil, "a block that is not wanted is taken out, or repeated with for_each over an empty set"},
		{"foreach each loop repeat with_items matrix", []string{"for_each"}, ""},
		{"objective problem_type type learning_task mode loss", []string{"task"}, ""}, {"scoring metric score scores", []string{"metrics"}, "references in a list: [metric.auc]"},
		{"query select statement code expression", []string{"sql", "expr"}, ""}, {"function fn transform agg", []string{"expr", "sql"}, "an expression in SQL"},
		{"file filename file_name filepath file_path uri url location paths files glob", []string{"path", "source"}, "a file or pattern in this folder"},
		{"sep separator delim field_separator", []string{"delimiter"}, ""}, {"na_values na null_value missing_values nulls", []string{"null_values"}, ""},
		{"has_header header_row skip_header skiprows", []string{"header"}, ""}, {"schema dtypes dtype fields columns", []string{"column"}, `a block for each: column "amount" { type = "double" }`},
		{"index index_col primary_key unique_key id id_column pk keys", []string{"key", "on"}, "a list of names of columns"},
		{"timestamp time_column time_col date date_column event_time event_timestamp ts datetime", []string{"time", "event_time", "by"}, "the name of a column"},
		{"group groups group_by groupby entity_id entity_key entities user join_key", []string{"entity", "by", "column"}, "a list of names of columns"},
		{"sample_weight sample_weights weights class_weight weight_column scale_pos_weight", []string{"weight"}, "the name of a column of numbers; compute it in a dataset"},
		{"window period lookback ttl duration interval horizon", []string{"over", "max_age", "matures_after"}, `a duration, such as "30d"`},
		{"condition expr expression check test threshold when if rule require criteria", []string{"assert", "where", "when", "condition"}, "a condition in quotes"},
		{"msg error_message description text reason title", []string{"message", "statement", "text", "reason"}, ""}, {"level priority on_fail action", []string{"severity"}, ""},
		{"approvers approver reviewers reviewer roles by who groups", []string{"from"}, "a list of names"},
		{"gates policy approval guard", []string{"gate", "after"}, "a reference, without brackets: gate.release"},
		{"min_value max_value range min max bounds limits", []string{"between"}, "between = [0, 100]"}, {"not_nullable nullable required non_null", []string{"not_null"}, ""},
		{"allowed_values values enum choices one_of accepted_values", []string{"in_set"}, ""}, {"regex pattern", []string{"matches"}, ""},
		{"baseline expected train_data", []string{"reference", "baseline"}, ""}, {"production live serving_data", []string{"current"}, ""},
		{"version tag alias stage name id", nil, "a block is called by its label; what is live is recorded by an apply"},
		{"schedule cron every trigger", nil, "mlp runs when it is called: let cron or CI call 'mlp apply'"},
		{"memory mem ram", []string{"memory_mb"}, "in MiB"}, {"cpu cores threads", []string{"cpus"}, ""}, {"timeout_seconds max_runtime", []string{"timeout"}, `a duration, such as "2h"`},
		{"retry max_retries attempts", []string{"retries"}, ""}, {"gpu gpus accelerator", nil, "stages run on processors"},
		{"docker_image container base_image", []string{"image"}, ""}, {"cmd entrypoint script args", []string{"command"}, ""}, {"environment env_vars envs", []string{"env"}, ""},
		{"cached use_cache", []string{"cache"}, ""}, {"doc docs comment notes help", []string{"description"}, ""}, {"team author maintainer owners", []string{"owner"}, ""},
		{"value", []string{"default", "value"}, ""},
		{"sensitive_columns personal pii_columns", []string{"pii"}, ""}, {"protected_columns sensitive_features sensitive_attributes", []string{"protected", "column"}, ""},
	}
}

// FunctionWords are the synonyms of functions of HCL.
func FunctionWords() Vocabulary {
	return Vocabulary{
		{"len size count", []string{"length"}, ""}, {"str string", []string{"tostring"}, ""}, {"int float number", []string{"tonumber"}, ""}, {"bool boolean", []string{"tobool"}, ""},
		{"list array tuple", []string{"tolist"}, ""}, {"set unique", []string{"toset"}, ""}, {"map dict object", []string{"tomap"}, ""}, {"append extend union", []string{"concat"}, ""},
		{"read readfile open load", []string{"file"}, ""}, {"filemd5 filesha256 filebase64sha256 md5 sha256 hash", []string{"filehash"}, ""},
		{"printf sprintf string_format", []string{"format"}, ""}, {"json to_json encode", []string{"jsonencode"}, ""}, {"parse from_json decode", []string{"jsondecode"}, ""},
		{"startswith endswith", []string{"regex"}, ""}, {"zip dict_zip", []string{"zipmap"}, ""}, {"ifelse iif cond", nil, "write condition ? a : b"},
		{"round", []string{"floor"}, "floor(x + 0.5)"}, {"sum mean avg", nil, "figures are computed in SQL and in rules"}, {"yamldecode", []string{"jsondecode"}, ""},
	}
}

// ConstantWords are the spellings of constants in other languages, with what they are here.
func ConstantWords() map[string]string {
	return map[string]string{
		"True": "true", "TRUE": "true", "yes": "true", "Yes": "true", "on": "true", "False": "false", "FALSE": "false", "no": "false", "No": "false", "off": "false",
		"None": "null", "NULL": "null", "Null": "null", "nil": "null", "undefined": "null",
	}
}
