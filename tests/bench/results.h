/* SPDX-License-Identifier: BSD-2-Clause */
/* Medians of interleaved trials, as a table and as JSON lines. */
#ifndef MUSTER_BENCH_RESULTS_H
#define MUSTER_BENCH_RESULTS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESULT_TRIALS_MAX 256

struct result {
	const char *bench, *name, *unit;
	double trial[RESULT_TRIALS_MAX];
	int n;
	double floor_median; /* 0: none */
	double ratio;	     /* to the floor: the median of ratios within one trial */
};

static inline int result_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline void result_add(struct result *result, double value)
{
	if (result->n < RESULT_TRIALS_MAX)
		result->trial[result->n++] = value;
}

/* @share: 0.5 the median, 0.99 the 99th percentile. Sorts. */
static inline double result_quantile(struct result *result, double share)
{
	int at = (int)(share * result->n);

	if (!result->n)
		return 0;
	qsort(result->trial, (size_t)result->n, sizeof(*result->trial), result_compare);
	return result->trial[at < result->n ? at : result->n - 1];
}

/* Trial by trial against @floor, which ran beside it: noise hits both alike. Before any sorting. */
static inline void result_against(struct result *result, struct result *floor)
{
	struct result ratios = {};

	for (int i = 0; i < result->n && i < floor->n; i++)
		result_add(&ratios, result->trial[i] / floor->trial[i]);
	result->ratio = result_quantile(&ratios, 0.5);
	result->floor_median = result_quantile(floor, 0.5);
}

/* Prints a row of the table, and a line of JSON into @json (or NULL). */
static inline void result_print(struct result *result, FILE *json)
{
	double median = result_quantile(result, 0.5);

	printf("%-36s %9.1f %9.1f %9.1f %s", result->name, median, result->trial[0],
		result->trial[result->n - 1], result->unit);
	if (result->floor_median > 0)
		printf("  %5.2f x", result->ratio);
	putchar('\n');
	if (!json)
		return;
	fprintf(json,
		"{\"bench\": \"%s\", \"case\": \"%s\", \"unit\": \"%s\", \"median\": %.3f, "
		"\"min\": %.3f, "
		"\"max\": %.3f, \"trials\": %d",
		result->bench, result->name, result->unit, median, result->trial[0],
		result->trial[result->n - 1], result->n);
	if (result->floor_median > 0)
		fprintf(json, ", \"floor_median\": %.3f, \"ratio\": %.3f", result->floor_median,
			result->ratio);
	fprintf(json, "}\n");
}

#endif
