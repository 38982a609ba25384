#ifndef PL_TEST_H
#define PL_TEST_H

/*
 * What every test in C starts with.
 */
#include <criterion/criterion.h>
#include <criterion/parameterized.h>

/* Criterion's assertions begin with a declaration. */
#pragma GCC diagnostic ignored "-Wdeclaration-after-statement"

#define T0 INT64_C(1759487400000) /* a moment to start from */

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* The rows of a table to ParameterizedTest. */
#define ROWS(type, rows) cr_make_param_array(type, rows, LENGTH(rows))

#endif
