/* SPDX-License-Identifier: BSD-2-Clause */
/* The walks: which rows and fields a page has. What they look like is the writer's. */
#include "view/view_internal.h"

#include <errno.h>
#include <stdarg.h>

#define TEXT(value)	    ((struct cell){.kind = CELL_TEXT, .text = (value)})
#define TONED(value, which) ((struct cell){.kind = CELL_TEXT, .text = (value), .tone = (which)})
#define NUMBER(value)	    ((struct cell){.kind = CELL_NUMBER, .number = (value)})
#define BOOL(value)	    ((struct cell){.kind = CELL_BOOL, .number = (value)})
#define DURATION(value)	    ((struct cell){.kind = CELL_DURATION, .number = (value)})
#define SHARE(value)	    ((struct cell){.kind = CELL_SHARE, .real = (value)})
#define REAL(value)	    ((struct cell){.kind = CELL_REAL, .real = (value)})

static enum tone state_tone(const char *state)
{
	static const struct {
		const char *state;
		enum tone tone;
	} rows[] = {
		{"ready", TONE_GOOD},
		{"up", TONE_GOOD},
		{"native", TONE_GOOD},
		{"running", TONE_GOOD},
		{"ok", TONE_GOOD},
		{"panic", TONE_WARN},
		{"failing", TONE_WARN},
		{"draining", TONE_WARN},
		{"generic", TONE_WARN},
		{"unknown", TONE_WARN},
		{"starting", TONE_WARN},
		{"pending", TONE_WARN},
		{"disabled", TONE_WARN},
		{"empty", TONE_BAD},
		{"unreachable", TONE_BAD},
		{"detached", TONE_BAD},
		{"dead", TONE_BAD},
		{"no_neighbour", TONE_BAD},
		{"no_route", TONE_BAD},
		{"link_down", TONE_BAD},
		{"local", TONE_BAD},
		{"quarantined", TONE_BAD},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].state, state))
			return rows[i].tone;
	return TONE_PLAIN;
}

static struct cell state_cell(const char *state)
{
	return TONED(state, state_tone(state));
}

static void note(struct writer *writer, enum tone tone, const char *format, ...) PRINTF(3, 4);
static void note(struct writer *writer, enum tone tone, const char *format, ...)
{
	_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	writer->ops->note(writer, "problems", tone, text);
}

/* ---- VIPs ---- */

static const struct column vip_columns[] = {
	{"name", "VIP"},
	{"addresses", "ADDRESSES"},
	{"ports", "PORTS"},
	{"protocol", "PROTO"},
	{"mode", "MODE"},
	{"pool", "POOL"},
	{"state", "STATE"},
	{"usable", "USABLE"},
	{"members", "OF"},
	{"packets", "PACKETS"},
	{"bytes", NULL},
	{"new_flows", "NEW FLOWS"},
	{"origin", "FROM"},
};

static void vip_cells(const struct snapshot_vip *vip, struct cell *cells)
{
	const struct cell row[ARRAY_SIZE(vip_columns)] = {
		TEXT(vip->name),
		TEXT(vip->addresses),
		TEXT(vip->ports),
		TEXT(vip->proto),
		TEXT(vip->mode),
		TEXT(vip->pool),
		state_cell(vip->state),
		NUMBER(vip->usable),
		NUMBER(vip->members),
		NUMBER(vip->traffic.packets),
		NUMBER(vip->traffic.bytes),
		NUMBER(vip->traffic.new_flows),
		TEXT(vip->origin),
	};

	memcpy(cells, row, sizeof(row));
}

static int vips_table(struct writer *writer, const struct snapshot *snapshot)
{
	_free_ struct cell *cells =
		calloc(snapshot->n_vips * ARRAY_SIZE(vip_columns) + 1, sizeof(*cells));
	struct table table = {
		.key = "vips",
		.empty = "no VIPs: put manifests into vips_dir and `muster reload`, or `muster "
			 "apply -f FILE`",
		.columns = vip_columns,
		.n_columns = ARRAY_SIZE(vip_columns),
		.n_rows = snapshot->n_vips,
		.cells = cells,
	};

	if (!cells)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->n_vips; i++)
		vip_cells(&snapshot->vips[i], &cells[i * ARRAY_SIZE(vip_columns)]);
	writer->ops->table(writer, &table);
	return 0;
}

/* ---- backends ---- */

static const struct column backend_columns[] = {
	{"pool", "POOL"},
	{"name", "NAME"},
	{"address", "ADDRESS"},
	{"zone", NULL},
	{"weight", "WEIGHT"},
	{"admin", "ADMIN"},
	{"health", "HEALTH"},
	{"since_ms", "FOR"},
	{"new_ok", "NEW"},
	{"old_ok", "OLD"},
	{"share", "SHARE"},
	{"path", "PATH"},
	{"via", NULL},
	{"packets", "PACKETS"},
	{"bytes", NULL},
	{"new_flows", "NEW FLOWS"},
	{"reason", "WHY"},
};

static void backend_cells(const struct snapshot_backend *be, struct cell *cells)
{
	const struct cell row[ARRAY_SIZE(backend_columns)] = {
		TEXT(be->pool),
		TEXT(be->name),
		TEXT(be->address),
		TEXT(be->zone),
		NUMBER(be->weight),
		state_cell(be->admin),
		state_cell(be->health),
		DURATION(be->since_ms),
		BOOL(be->new_ok),
		BOOL(be->old_ok),
		SHARE(be->share),
		state_cell(be->path),
		TEXT(be->via),
		NUMBER(be->traffic.packets),
		NUMBER(be->traffic.bytes),
		NUMBER(be->traffic.new_flows),
		TEXT(be->reason),
	};

	memcpy(cells, row, sizeof(row));
}

/* @pool: NULL for all. */
static int backends_table(struct writer *writer, const struct snapshot *snapshot, const char *pool)
{
	_free_ struct cell *cells =
		calloc(snapshot->n_backends * ARRAY_SIZE(backend_columns) + 1, sizeof(*cells));
	struct table table = {
		.key = "backends",
		.empty = "no backends",
		.columns = backend_columns,
		.n_columns = ARRAY_SIZE(backend_columns),
		.cells = cells,
	};

	if (!cells)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->n_backends; i++)
		if (!pool || !strcmp(snapshot->backends[i].pool, pool))
			backend_cells(&snapshot->backends[i],
				&cells[table.n_rows++ * ARRAY_SIZE(backend_columns)]);
	writer->ops->table(writer, &table);
	return 0;
}

/* ---- status ---- */

static unsigned count_vips(const struct snapshot *snapshot, const char *state)
{
	unsigned n = 0;

	for (size_t i = 0; i < snapshot->n_vips; i++)
		n += !strcmp(snapshot->vips[i].state, state);
	return n;
}

static unsigned count_up(const struct snapshot *snapshot)
{
	unsigned n = 0;

	for (size_t i = 0; i < snapshot->n_backends; i++)
		n += !strcmp(snapshot->backends[i].health, "up");
	return n;
}

static void status_record(struct writer *writer, const struct snapshot *s)
{
	static const struct column columns[] = {
		{"version", "version"},
		{"pid", NULL},
		{"uptime_ms", "uptime"},
		{"generation", "generation"},
		{"n_vips", "VIPs"},
		{"n_ready", "  ready"},
		{"n_panic", NULL},
		{"n_empty", "  empty"},
		{"n_backends", "backends"},
		{"n_up", "  up"},
		{"prober", "prober"},
		{"prober_pid", NULL},
		{"prober_restarts", "  restarts"},
		{"prober_targets", "  targets"},
		{"prober_quarantined", NULL},
		{"commits_patch", "patches"},
		{"commits_flip", "flips"},
		{"last_commit_us", "last commit, us"},
		{"loop_stall_max_ms", "longest stall, ms"},
		{"program_id", "program id"},
		{"blind", "checker blind"},
		{"busy", NULL},
	};
	struct cell cells[ARRAY_SIZE(columns)] = {
		TEXT(s->version),
		NUMBER((uint64_t)s->pid),
		DURATION(s->uptime_ms),
		NUMBER(s->generation),
		NUMBER(s->n_vips),
		NUMBER(count_vips(s, "ready")),
		NUMBER(count_vips(s, "panic")),
		NUMBER(count_vips(s, "empty")),
		NUMBER(s->n_backends),
		NUMBER(count_up(s)),
		state_cell(s->prober),
		NUMBER((uint64_t)s->prober_pid),
		NUMBER(s->prober_restarts),
		NUMBER(s->prober_targets),
		NUMBER(s->prober_quarantined),
		NUMBER(s->commits_patch),
		NUMBER(s->commits_flip),
		NUMBER(s->last_commit_us),
		REAL(s->loop_stall_max_ms),
		NUMBER(s->program_id),
		BOOL(s->blind),
		BOOL(s->busy),
	};
	struct table row = {
		.columns = columns, .n_columns = ARRAY_SIZE(columns), .n_rows = 1, .cells = cells};

	writer->ops->record(writer, &row);
}

static void interface_problems(struct writer *writer, const struct snapshot *s)
{
	for (size_t i = 0; i < s->n_interfaces; i++) {
		const struct snapshot_interface *interface = &s->interfaces[i];

		if (!strcmp(interface->mode, "detached"))
			note(writer, TONE_BAD, "interface %s is detached: %s", interface->name,
				interface->note ? interface->note : "not attached yet");
		else if (interface->note)
			note(writer, TONE_WARN, "interface %s runs in %s mode: %s", interface->name,
				interface->mode, interface->note);
	}
}

static void problems(struct writer *writer, const struct snapshot *s)
{
	writer->ops->note(
		writer, "problems", TONE_PLAIN, NULL); /* an empty list, too, is there in JSON */
	for (const char *const *warning = s->warnings; warning && *warning; warning++)
		note(writer, TONE_WARN, "%s", *warning);
	interface_problems(writer, s);
	if (strcmp(s->prober, "running"))
		note(writer, TONE_BAD, "the prober is %s: health stands still", s->prober);
	if (s->prober_quarantined)
		note(writer, TONE_BAD, "%u targets are quarantined: they crashed the prober",
			s->prober_quarantined);
	if (s->blind)
		note(writer, TONE_WARN,
			"checker blind: nearly all backends fail at once, so their state is held");
	for (size_t i = 0; i < s->n_vips; i++)
		if (strcmp(s->vips[i].state, "ready"))
			note(writer, state_tone(s->vips[i].state),
				"VIP %s is %s: %u of %u backends usable", s->vips[i].name,
				s->vips[i].state, s->vips[i].usable, s->vips[i].members);
	for (size_t i = 0; i < s->n_backends; i++)
		if (!s->backends[i].new_ok)
			note(writer, state_tone(s->backends[i].health),
				"backend %s/%s takes no new flows: %s, %s%s%s", s->backends[i].pool,
				s->backends[i].name, s->backends[i].admin, s->backends[i].health,
				s->backends[i].reason ? ", " : "",
				s->backends[i].reason ? s->backends[i].reason : "");
}

static int interfaces_table(struct writer *writer, const struct snapshot *s)
{
	static const struct column columns[] = {
		{"name", "INTERFACE"}, {"ifindex", "INDEX"}, {"mode", "MODE"}, {"note", "NOTE"}};
	_free_ struct cell *cells =
		calloc(s->n_interfaces * ARRAY_SIZE(columns) + 1, sizeof(*cells));
	struct table table = {.key = "interfaces",
		.columns = columns,
		.n_columns = ARRAY_SIZE(columns),
		.n_rows = s->n_interfaces,
		.cells = cells};

	if (!cells)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_interfaces; i++) {
		const struct snapshot_interface *interface = &s->interfaces[i];
		const struct cell row[] = {TEXT(interface->name), NUMBER(interface->ifindex),
			state_cell(interface->mode), TEXT(interface->note)};

		memcpy(&cells[i * ARRAY_SIZE(columns)], row, sizeof(row));
	}
	writer->ops->table(writer, &table);
	return 0;
}

static int usage_table(struct writer *writer, const struct snapshot *s)
{
	static const struct column columns[] = {
		{"table", "TABLE"}, {"used", "USED"}, {"size", "SIZE"}};
	_free_ struct cell *cells = calloc(s->n_usage * ARRAY_SIZE(columns) + 1, sizeof(*cells));
	struct table table = {.key = "usage",
		.columns = columns,
		.n_columns = ARRAY_SIZE(columns),
		.n_rows = s->n_usage,
		.cells = cells};

	if (!cells)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_usage; i++) {
		const struct cell row[] = {TEXT(s->usage[i].table), NUMBER(s->usage[i].used),
			NUMBER(s->usage[i].size)};

		memcpy(&cells[i * ARRAY_SIZE(columns)], row, sizeof(row));
	}
	writer->ops->table(writer, &table);
	return 0;
}

static int reasons_table(struct writer *writer, const struct snapshot *s)
{
	static const struct column columns[] = {{"name", "REASON"}, {"action", "ACTION"},
		{"packets", "PACKETS"}, {"text", "MEANING"}};
	_free_ struct cell *cells = calloc(s->n_reasons * ARRAY_SIZE(columns) + 1, sizeof(*cells));
	struct table table = {.key = "reasons",
		.columns = columns,
		.n_columns = ARRAY_SIZE(columns),
		.n_rows = s->n_reasons,
		.cells = cells};

	if (!cells)
		return -ENOMEM;
	for (size_t i = 0; i < s->n_reasons; i++) {
		const struct snapshot_reason *reason = &s->reasons[i];
		const struct cell row[] = {TEXT(reason->name), TEXT(reason->action),
			NUMBER(reason->packets), TEXT(reason->text)};

		memcpy(&cells[i * ARRAY_SIZE(columns)], row, sizeof(row));
		cells[i * ARRAY_SIZE(columns)].json_only = !reason->packets;
	}
	writer->ops->table(writer, &table);
	return 0;
}

static int status_page(struct writer *writer, const struct snapshot *snapshot, const char *name)
{
	int err;

	(void)name;
	status_record(writer, snapshot);
	problems(writer, snapshot);
	err = interfaces_table(writer, snapshot);
	if (!err)
		err = vips_table(writer, snapshot);
	if (!err)
		err = usage_table(writer, snapshot);
	if (!err)
		err = reasons_table(writer, snapshot);
	return err;
}

/* ---- the other pages ---- */

static int vips_page(struct writer *writer, const struct snapshot *snapshot, const char *name)
{
	(void)name;
	return vips_table(writer, snapshot);
}

static int vip_page(struct writer *writer, const struct snapshot *snapshot, const char *name)
{
	struct cell cells[ARRAY_SIZE(vip_columns)];
	struct table row = {.columns = vip_columns,
		.n_columns = ARRAY_SIZE(vip_columns),
		.n_rows = 1,
		.cells = cells};

	for (size_t i = 0; i < snapshot->n_vips; i++) {
		if (strcmp(snapshot->vips[i].name, name))
			continue;
		vip_cells(&snapshot->vips[i], cells);
		writer->ops->record(writer, &row);
		return backends_table(writer, snapshot, snapshot->vips[i].pool);
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
			state_cell(check->state), TEXT(check->outcome), TEXT(check->detail),
			NUMBER(check->latency_us), BOOL(check->tethered)};

		memcpy(&cells[i * ARRAY_SIZE(columns)], row, sizeof(row));
	}
	writer->ops->table(writer, &table);
	return 0;
}

static int backend_page(struct writer *writer, const struct snapshot *snapshot, const char *name)
{
	struct column columns[ARRAY_SIZE(backend_columns)];
	struct cell cells[ARRAY_SIZE(backend_columns)];
	struct table row = {
		.columns = columns, .n_columns = ARRAY_SIZE(columns), .n_rows = 1, .cells = cells};
	size_t n = strcspn(name, "/");

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		columns[i] = backend_columns[i];
		if (!columns[i].header) /* a page has room for what a table hides */
			columns[i].header = columns[i].key;
	}
	for (size_t i = 0; i < snapshot->n_backends; i++) {
		const struct snapshot_backend *be = &snapshot->backends[i];

		if (strlen(be->pool) != n || strncmp(be->pool, name, n) || name[n] != '/' ||
			strcmp(be->name, name + n + 1))
			continue;
		backend_cells(be, cells);
		writer->ops->record(writer, &row);
		return checks_table(writer, be);
	}
	return -ENOENT;
}

int view_render(const struct snapshot *snapshot, enum view_page page, const char *name,
	enum view_format format, bool color, char **ret)
{
	static int (*const pages[])(struct writer *, const struct snapshot *, const char *) = {
		[VIEW_STATUS] = status_page,
		[VIEW_VIPS] = vips_page,
		[VIEW_VIP] = vip_page,
		[VIEW_BACKENDS] = backends_table,
		[VIEW_BACKEND] = backend_page,
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
