/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages. */
#include "view/view_internal.h"

#include <errno.h>

static int vips_page(struct writer *writer, const struct snapshot *snapshot, const char *name)
{
	(void)name;
	return view_vips_table(writer, snapshot);
}

static int vip_page(struct writer *writer, const struct snapshot *snapshot, const char *name)
{
	struct cell cells[VIEW_VIP_COLUMNS];
	struct table row = {.columns = view_vip_columns,
		.n_columns = VIEW_VIP_COLUMNS,
		.n_rows = 1,
		.cells = cells};

	for (size_t i = 0; i < snapshot->n_vips; i++) {
		if (strcmp(snapshot->vips[i].name, name))
			continue;
		view_vip_cells(&snapshot->vips[i], cells);
		writer->ops->record(writer, &row);
		return view_backends_table(writer, snapshot, snapshot->vips[i].pool);
	}
	return -ENOENT;
}

static int pools_page(struct writer *writer, const struct snapshot *snapshot, const char *name)
{
	(void)name;
	return view_pools_table(writer, snapshot);
}

static int pool_page(struct writer *writer, const struct snapshot *snapshot, const char *name)
{
	struct cell cells[VIEW_POOL_COLUMNS];
	struct table row = {.columns = view_pool_columns,
		.n_columns = VIEW_POOL_COLUMNS,
		.n_rows = 1,
		.cells = cells};

	for (size_t i = 0; i < snapshot->n_pools; i++) {
		if (strcmp(snapshot->pools[i].name, name))
			continue;
		view_pool_cells(&snapshot->pools[i], cells);
		writer->ops->record(writer, &row);
		return view_backends_table(writer, snapshot, name);
	}
	return -ENOENT;
}

static int checks_table(struct writer *writer, const struct snapshot_backend *be)
{
	static const struct column columns[] = {{"name", "CHECK"}, {"type", "TYPE"},
		{"state", "STATE"}, {"outcome", "LAST OUTCOME"}, {"detail", "DETAIL"},
		{"latency_us", "US"}, {"tethered", "TETHER"}};
	_free_ struct cell *cells = calloc(be->n_checks * ARRAY_SIZE(columns) + 1, sizeof(*cells));
	struct table table = {.key = "checks",
		.empty = "no checks: counts as up",
		.columns = columns,
		.n_columns = ARRAY_SIZE(columns),
		.n_rows = be->n_checks,
		.cells = cells};

	if (!cells)
		return -ENOMEM;
	for (size_t i = 0; i < be->n_checks; i++) {
		const struct snapshot_check *check = &be->checks[i];
		const struct cell row[] = {TEXT(check->name), TEXT(check->type),
			view_state(check->state), TEXT(check->outcome), TEXT(check->detail),
			NUMBER(check->latency_us), BOOL(check->tethered)};

		memcpy(&cells[i * ARRAY_SIZE(columns)], row, sizeof(row));
	}
	writer->ops->table(writer, &table);
	return 0;
}

static int backend_page(struct writer *writer, const struct snapshot *snapshot, const char *name)
{
	struct column columns[VIEW_BACKEND_COLUMNS];
	struct cell cells[VIEW_BACKEND_COLUMNS];
	struct table row = {
		.columns = columns, .n_columns = ARRAY_SIZE(columns), .n_rows = 1, .cells = cells};
	size_t n = strcspn(name, "/");

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		columns[i] = view_backend_columns[i];
		if (!columns[i].header) /* a page has room for what a table hides */
			columns[i].header = columns[i].key;
	}
	for (size_t i = 0; i < snapshot->n_backends; i++) {
		const struct snapshot_backend *be = &snapshot->backends[i];

		if (strlen(be->pool) != n || strncmp(be->pool, name, n) || name[n] != '/' ||
			strcmp(be->name, name + n + 1))
			continue;
		view_backend_cells(be, cells);
		writer->ops->record(writer, &row);
		return checks_table(writer, be);
	}
	return -ENOENT;
}

int view_render(const struct snapshot *snapshot, enum view_page page, const char *name,
	enum view_format format, bool color, char **ret)
{
	static int (*const pages[])(struct writer *, const struct snapshot *, const char *) = {
		[VIEW_STATUS] = view_status_page,
		[VIEW_VIPS] = vips_page,
		[VIEW_VIP] = vip_page,
		[VIEW_BACKENDS] = view_backends_table,
		[VIEW_BACKEND] = backend_page,
		[VIEW_POOLS] = pools_page,
		[VIEW_POOL] = pool_page,
	};
	struct writer *writer;
	char *text = NULL;
	int err, end;

	err = format == VIEW_JSON ? view_json_new(&writer) : view_text_new(&writer, color);
	if (err)
		return err;
	err = pages[page](writer, snapshot, name);
	end = writer->ops->end(writer, &text);
	if (err || end) {
		free(text);
		return err ? err : end;
	}
	*ret = text;
	return 0;
}
