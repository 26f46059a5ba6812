package metric

import (
	"sync"

	"github.com/mlp-lang/mlp/lang/schema"
)

// definitions lists all types of metrics. The names and formulas are those of sklearn.metrics, except the rates that
// it has no function for (true_positive_rate and its kin, selection_rate and mean_prediction: as in Fairlearn).
var definitions = sync.OnceValue(func() []definition {
	classes := []schema.Task{schema.Binary, schema.Multiclass}
	binary := []schema.Task{schema.Binary}
	numbers := []schema.Task{schema.Regression}
	averages := []string{"binary", "macro", "micro", "weighted"}
	return []definition{
		{name: "accuracy", summary: "share of rows predicted right", greater: true, share: true, tasks: classes, counts: accuracy},
		{name: "balanced_accuracy", summary: "mean of the recall of each class that occurs", greater: true, share: true, tasks: classes, counts: balancedAccuracy},
		{name: "precision", summary: "share of the rows predicted positive that are", greater: true, share: true, tasks: classes, averages: averages, counts: precision},
		{name: "recall", summary: "share of the positive rows predicted so", greater: true, share: true, tasks: classes, averages: averages, counts: recall},
		{name: "f1", summary: "harmonic mean of precision and recall", greater: true, share: true, tasks: classes, averages: averages, counts: f1},
		{name: "matthews_corrcoef", summary: "correlation of actual and predicted classes", greater: true, signed: true, tasks: classes, counts: matthews},
		{name: "cohen_kappa", summary: "agreement beyond chance", greater: true, signed: true, tasks: classes, counts: cohenKappa},

		{name: "true_positive_rate", summary: "recall of the positive class", greater: true, share: true, tasks: binary, counts: truePositiveRate},
		{name: "sensitivity", summary: "another name of true_positive_rate", greater: true, share: true, tasks: binary, counts: truePositiveRate},
		{name: "false_positive_rate", summary: "share of the negative rows predicted positive", share: true, tasks: binary, counts: falsePositiveRate},
		{name: "true_negative_rate", summary: "share of the negative rows predicted negative", greater: true, share: true, tasks: binary, counts: trueNegativeRate},
		{name: "specificity", summary: "another name of true_negative_rate", greater: true, share: true, tasks: binary, counts: trueNegativeRate},
		{name: "false_negative_rate", summary: "share of the positive rows predicted negative", share: true, tasks: binary, counts: falseNegativeRate},
		{name: "negative_predictive_value", summary: "share of the rows predicted negative that are", greater: true, share: true, tasks: binary, counts: negativePredictiveValue},
		{name: "selection_rate", summary: "share of the rows predicted positive", greater: true, share: true, tasks: binary, counts: selectionRate},

		{name: "roc_auc", ranked: true, summary: "chance that a positive row scores above a negative one", greater: true, scores: true, share: true, tasks: binary, value: rocAUC},
		{name: "roc_auc_ovr", ranked: true, summary: "roc_auc of each class against the rest, averaged", greater: true, scores: true, share: true, tasks: classes, averages: []string{"macro", "weighted"}, value: rocAUCOvR},
		{name: "average_precision", summary: "area under the precision-recall steps", greater: true, scores: true, share: true, tasks: binary, value: averagePrecision},
		{name: "log_loss", summary: "mean negative log-likelihood, in nats", scores: true, tasks: classes, ratio: logLossRatio, value: logLoss},
		{name: "brier_score", summary: "mean squared error of the probability", scores: true, share: true, tasks: binary, ratio: brierRatio, value: brierScore},

		{name: "mean_absolute_error", summary: "mean of the absolute error, in the target's unit", tasks: numbers, ratio: absoluteRatio, value: meanAbsoluteError},
		{name: "mean_squared_error", summary: "mean of the squared error", tasks: numbers, ratio: squaredRatio, value: meanSquaredError},
		{name: "root_mean_squared_error", summary: "root of the mean squared error, in the target's unit", tasks: numbers, ratio: rootRatio, value: rootMeanSquaredError},
		{name: "median_absolute_error", summary: "median of the absolute error, in the target's unit", tasks: numbers, value: medianAbsoluteError},
		{name: "mean_absolute_percentage_error", summary: "mean of the error relative to the actual value; 0.1 is 10 %", tasks: numbers, ratio: percentageRatio, value: meanAbsolutePercentageError},
		{name: "weighted_absolute_percentage_error", summary: "sum of the absolute errors by the sum of the absolute actual values (WAPE); 0.1 is 10 %", tasks: numbers, ratio: weightedPercentageRatio, value: weightedAbsolutePercentageError},
		{name: "max_error", summary: "greatest absolute error, in the target's unit", tasks: numbers, value: maxError},
		{name: "mean_prediction", summary: "mean of the predicted values", greater: true, signed: true, tasks: numbers, ratio: predictionRatio, value: meanPrediction},
		{name: "r2", summary: "share of the target's variance that is explained", greater: true, signed: true, tasks: numbers, ratio: r2Ratio, value: r2},
	}
})
