/* SPDX-License-Identifier: BSD-2-Clause */
/* Within a pool: one backend, one name; one server, one backend. */
#include "manifest/draft.h"

struct row {
	const struct backend *backend;
	const struct backend_places *places;
};

static int by_order(const struct row *a, const struct row *b)
{
	return a->backend < b->backend ? -1 : a->backend > b->backend;
}

static int by_name(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->backend->name ?: "", y->backend->name ?: "");

	return order ? order : by_order(x, y);
}

/* Without a port first: it has the VIP's, so it may be any other. */
static int by_address(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = addr_compare(&x->backend->addr, &y->backend->addr);

	if (!order)
		order = ntohs(x->backend->port) - ntohs(y->backend->port);
	return order ? order : by_order(x, y);
}

static bool same_name(const struct row *a, const struct row *b)
{
	return a->backend->name && b->backend->name && !strcmp(a->backend->name, b->backend->name);
}

static bool same_server(const struct row *a, const struct row *b)
{
	return a->places->addr.line && b->places->addr.line &&
	       addr_equal(&a->backend->addr, &b->backend->addr) &&
	       (a->backend->port == b->backend->port || !a->backend->port);
}

static void complain_name(
	const struct row *first, const struct row *second, struct complaints *complaints)
{
	complain_error(complaints, second->places->name,
		"backend %s exists already in this pool (" PLACE ")", second->backend->name,
		PLACE_ARGS(first->places->name));
}

static void complain_server(
	const struct row *first, const struct row *second, struct complaints *complaints)
{
	const struct row *early = by_order(first, second) < 0 ? first : second;
	const struct row *late = early == first ? second : first;
	const struct backend *named = late->backend;
	char text[ADDR_TEXT];

	complain_error(complaints, late->places->addr, "%s is backend %s already (" PLACE ")",
		named->port ? addr_format_port(&named->addr, named->port, text)
			    : addr_format(&named->addr, text),
		early->backend->name ? early->backend->name : "?", PLACE_ARGS(early->places->addr));
}

static void verify_run(struct row *rows, size_t n,
	bool (*same)(const struct row *, const struct row *),
	void (*complain_about)(const struct row *, const struct row *, struct complaints *),
	struct complaints *complaints)
{
	for (size_t i = 1, first = 0; i < n && !complaints_full(complaints); i++) {
		if (same(&rows[first], &rows[i]))
			complain_about(&rows[first], &rows[i], complaints);
		else
			first = i;
	}
}

static void verify_pool(const struct draft *draft, size_t p, struct complaints *complaints)
{
	const struct pool *pool = &draft->model->pools[p];
	_free_ struct row *rows = calloc(MAX(pool->n_backends, 1), sizeof(*rows));

	if (!rows) {
		complaints->no_memory = true;
		return;
	}
	for (size_t i = 0; i < pool->n_backends; i++)
		rows[i] = (struct row){&pool->backends[i], &draft->pools[p].backends[i]};
	qsort(rows, pool->n_backends, sizeof(*rows), by_name);
	verify_run(rows, pool->n_backends, same_name, complain_name, complaints);
	qsort(rows, pool->n_backends, sizeof(*rows), by_address);
	verify_run(rows, pool->n_backends, same_server, complain_server, complaints);
}

void verify_backends(const struct draft *draft, struct complaints *complaints)
{
	for (size_t p = 0; p < draft->model->n_pools && !complaints_full(complaints); p++)
		verify_pool(draft, p, complaints);
}
