#include <string.h>

#include "metrics.h"
#include "../lib/test.h"

static struct pl_metrics metrics;
static struct pl_buf out;

static void
clean(void)
{
	pl_buf_free(&out);
}

TestSuite(metrics, .fini = clean);

/* Is that a line of what is told? */
static bool
says(const char *line)
{
	size_t n = strlen(line);
	const char *p;

	pl_buf_free(&out);
	pl_metrics_print(&metrics, &out);
	pl_buf_add(&out, "", 1);
	for (p = out.data; p != NULL; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, line, n) == 0 && p[n] == '\n')
			return true;
	}
	return false;
}

Test(metrics, begins_with_nothing)
{
	cr_expect(says("# TYPE porchlight_answers_total counter"));
	cr_expect(says("porchlight_answers_total{program=\"presence\","
		       "code=\"200\"} 0"));
	cr_expect(says("porchlight_write_seconds_count 0"));
	cr_expect(says("porchlight_write_seconds_sum 0.000000"));
}

Test(metrics, counts_answers_by_program_and_status)
{
	pl_metrics_answer(&metrics, PL_PRESENCE, 200);
	pl_metrics_answer(&metrics, PL_PRESENCE, 200);
	pl_metrics_answer(&metrics, PL_EVENTS, 503);
	pl_metrics_answer(&metrics, PL_EVENTS, 418); /* none of ours */
	cr_expect(says("porchlight_answers_total{program=\"presence\","
		       "code=\"200\"} 2"));
	cr_expect(says("porchlight_answers_total{program=\"events\","
		       "code=\"503\"} 1"));
	cr_expect(says("porchlight_answers_total{program=\"events\","
		       "code=\"200\"} 0"));
}

Test(metrics, counts_writes_by_how_long_they_took)
{
	pl_metrics_write(&metrics, 500);
	pl_metrics_write(&metrics, 501);
	pl_metrics_write(&metrics, 20000);
	pl_metrics_write(&metrics, 3000000);
	cr_expect(says("porchlight_write_seconds_bucket{le=\"0.0005\"} 1"));
	cr_expect(says("porchlight_write_seconds_bucket{le=\"0.001\"} 2"));
	cr_expect(says("porchlight_write_seconds_bucket{le=\"0.005\"} 2"));
	cr_expect(says("porchlight_write_seconds_bucket{le=\"0.02\"} 3"));
	cr_expect(says("porchlight_write_seconds_bucket{le=\"0.5\"} 3"));
	cr_expect(says("porchlight_write_seconds_bucket{le=\"+Inf\"} 4"));
	cr_expect(says("porchlight_write_seconds_count 4"));
	cr_expect(says("porchlight_write_seconds_sum 3.021001"));
}

Test(metrics, has_a_head_for_a_single_value)
{
	pl_metrics_one(&out, "polls", "gauge", "Dashboards that wait.", 7);
	pl_buf_add(&out, "", 1);
	cr_expect_str_eq(out.data,
	    "# HELP porchlight_polls Dashboards that wait.\n"
	    "# TYPE porchlight_polls gauge\nporchlight_polls 7\n");
}
