// Package canary compares a release that gets a share of the traffic with the model that gets the rest at the same time.
package canary

// A look at a canary is a test, and a thousand looks are a thousand tests: a test that is wrong in 5 % of cases at one look is wrong in some 30 %
// at one of fifty, and a threshold on the rates of each window in nearly all (TestSequentialRules):
//
//	10 % of traffic, 2 % errors, 50 looks          aborted though it is no worse        median look at which it is aborted
//	                                               100 requests    1,000 requests       twice the errors    1.3 times
//	                                               of the canary a look                 (100 a look)        (1,000 a look)
//	canary > 1.5 x control in a window             100 %           72 %                 1                   3
//	the same, three windows on end                 43 %            0.2 %                6                   never
//	z-test at 5 % at each look                     29 %            28 %                 2                   2
//	errors.ratio.low > 1, alpha 5 %                1.2 %           0.4 %                7                   7
//
// Here each interval is one of a confidence sequence: with probability 1 - alpha it holds what is true at all looks together, whether there is one
// after each request or one in an hour, and whether looking stops for what was seen or goes on. There is no clock and no chance: the same counts
// give the same figures.
//
// # E-values
//
// Somebody bets against a supposition, at odds that are fair if it holds. What has become of 1 unit of money is a martingale then, and comes to 1/alpha
// or more at any time with probability alpha at most (Ville). That money is the e-value; an interval has all suppositions against which it stayed below
// 1/alpha.
//
// An event is supposed to have probability p. A bet that its odds are exp(λ) times as large multiplies the money by exp(λ)/(1 + p(exp(λ) - 1)) if it happens and by
// 1/(1 + p(exp(λ) - 1)) if not. Which λ is right is not known: the money is spread over all of them, as a beta distribution of the split spreads it
// (Robbins' mixtures; logEvidence). Two bets on different requests multiply.
//
//	errors.ratio       each error is a bet on whose it is. With a share w of requests and errors r times as likely, it is the canary's with probability
//	                   w·r/(w·r + 1 - w), whatever the rate of errors is at that hour. Steps have their own w and the same r.
//	rates, differences each request is a bet on its failing; against a difference, on the likeliest pair of rates that has it
//	latency            each request is a bet on its being slower than the quantile, which has a known probability
//	scores.distance    each score is a bet on its being below an edge, for all edges at once, with Hoeffding's bound in place of the odds
//
// # Steps
//
// 5 % of traffic by night, with few errors, and 50 % by day, with many: all counts thrown together, the canary has the more errors (Simpson). So counts
// are kept by share. A ratio is the same one at all steps. For rates and distributions a request of the control's at a share w weighs w/(1 - w), as many
// as the canary got beside it, so that both have the same mixture of steps (weighted). With each new step the weights change their scale and another
// bet begins; the j-th has 1 of j(j+1) parts of alpha, and the sum of all parts is 1 (scales).
//
// # Several figures, one side
//
// Each of k figures that rules read is at alpha/k (Bonferroni), so that all of a release's decisions together are wrong in at most alpha of releases. Figures
// of several releases do not share.
//
// A rule mostly uses one end: `errors.ratio.low > 1.0` aborts. Intervals have both ends at alpha/k together, and either end alone is wrong in some half of
// that. A canary that is better than the control is aborted by this rule less often still.
//
// Few counts give wide intervals, never a pass: of 20 requests without an error, the rate is from 0 to 0.28. A rule that asks whether a figure is below a limit
// holds if the interval's high end is, fails if the low end is not, and is open in between.
//
// # How long it takes
//
// At 10 % of 40 requests a minute with 2 % errors, a doubling is seen after 2 h 20 min in the median, and in one release of ten within 50 minutes: a
// step of ten minutes decides nothing (Sequence.Detection). That comes of the counts that are expected; chance finds an effect sooner, by parts of
// the time that come of the first passages of random walks.
//
// A ratio is seen sooner than a difference, which allows for two unknown rates and is in simulations of what is alike
// hardly ever wrong. A rule on `errors.ratio` wants some two thirds of the requests that one on `errors.difference` does.
//
// # What is presumed
//
//   - Requests are assigned by chance, in the known share, independently of one another. A key that is assigned once and for all comes as one: a
//     client that repeats a failing request a thousand times is one piece of evidence, so one error of it is to be counted at a step (and one request).
//     `requests.ratio` rules out 1 where the assignment is not what it is said to be.
//   - The shares were planned before. When to go on from one to the next may depend on what was seen.
//   - Rates may change by the hour: intervals of rates hold the average over the arm's requests. Quantiles are those of a distribution that stays; where
//     it moves, it moves for both arms, and their difference keeps to alpha (TestSequentialDistributionsFalseAlarms).
//   - A ratio that moves is not one number. That it was 1 all along, or at most 1, is ruled out with probability alpha at most even so.
//   - Labels come late by the same law in both arms. A decision that prevents its label (a blocked payment) makes mistakes incomparable: of a deployment that explores, rows are
//     counted so that each has had the same chance of a label, whatever was decided (stdlib/monitor/performance); of another one they are not.
//
// # Sources
//
//   - H. Robbins, Statistical methods related to the law of the iterated logarithm, Annals of Mathematical Statistics 41 (1970): mixtures.
//   - S. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, Time-uniform, nonparametric, nonasymptotic confidence sequences, Annals of Statistics 49 (2021).
//   - S. Howard, A. Ramdas, Sequential estimation of quantiles, Bernoulli 28 (2022).
//   - M. Lindon, C. Sanden, V. Shirikian, Rapid regression detection in software deployments through sequential testing, KDD 2022: canaries.
//   - M. Lindon, A. Malek, Anytime-valid inference for multinomial count data, NeurIPS 2022: counts by their split.
