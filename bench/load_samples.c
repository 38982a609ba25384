#include <math.h>
#include <stdlib.h>

#include <json-c/json.h>

#include "load_samples.h"

#define STEPS 20 /* of the histogram, for each power of ten */

void
samples_add(struct samples *s, int64_t ns)
{
	if (s->n == s->cap) {
		s->cap = s->cap == 0 ? 1024 : s->cap * 2;
		s->at = realloc(s->at, s->cap * sizeof(*s->at));
		if (s->at == NULL)
			abort();
	}
	s->at[s->n++] = ns;
}

static json_object *
milliseconds(double ns)
{
	return json_object_new_double(ns / 1000000);
}

json_object *
samples_list(const struct samples *s)
{
	json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; i < s->n; i++)
		json_object_array_add(list, milliseconds((double)s->at[i]));
	return list;
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The least that `share` of them do not exceed. */
static int64_t
percentile(const struct samples *s, double share)
{
	size_t rank = (size_t)ceil(share * (double)s->n);

	return s->n == 0 ? 0 : s->at[rank == 0 ? 0 : rank - 1];
}

static int
step_of(int64_t ns)
{
	return (int)floor(log10(ns < 1 ? 1 : (double)ns) * STEPS);
}

/* They are sorted. */
static json_object *
histogram(const struct samples *s)
{
	json_object *list = json_object_new_array(), *row;
	size_t i = 0, from;
	int step;

	while (i < s->n) {
		from = i;
		step = step_of(s->at[i]);
		while (i < s->n && step_of(s->at[i]) == step)
			i++;
		row = json_object_new_array();
		json_object_array_add(
		    row, milliseconds(pow(10, (step + 1.0) / STEPS)));
		json_object_array_add(
		    row, json_object_new_int64((int64_t)(i - from)));
		json_object_array_add(list, row);
	}
	return list;
}

json_object *
samples_summary(struct samples *s)
{
	static const struct {
		const char *name;
		double share;
	} points[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99},
	    {"p999", 0.999}, {"max", 1}};
	json_object *out = json_object_new_object();
	size_t i;

	if (s->n > 0)
		qsort(s->at, s->n, sizeof(*s->at), compare);
	json_object_object_add(out, "n", json_object_new_int64((int64_t)s->n));
	for (i = 0; i < sizeof(points) / sizeof(*points); i++)
		json_object_object_add(out, points[i].name,
		    milliseconds((double)percentile(s, points[i].share)));
	json_object_object_add(out, "histogram", histogram(s));
	return out;
}
