/* SPDX-License-Identifier: BSD-2-Clause */
#include "view/view_internal.h"

#include <errno.h>
#include <stdarg.h>

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
		{"held_ms", NULL},
		{"slots_moving", "slots moving"},
		{"slots_pinned", "  pinned"},
		{"sweep_us", NULL},
		{"busy", NULL},
	};
	uint64_t moving = 0, pinned = 0;

	for (size_t i = 0; i < s->n_pools; i++) {
		moving += s->pools[i].moving;
		pinned += s->pools[i].pinned;
	}
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
		view_state(s->prober),
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
		DURATION(s->held_ms),
		NUMBER(moving),
		NUMBER(pinned),
		NUMBER(s->sweep_us),
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
	if (s->held_ms)
		note(writer, TONE_WARN,
			"changes are held for another %llu s: backends that come up stay out",
			(unsigned long long)s->held_ms / 1000);
	for (size_t i = 0; i < s->n_vips; i++)
		if (strcmp(s->vips[i].state, "ready"))
			note(writer, view_tone(s->vips[i].state),
				"VIP %s is %s: %u of %u backends usable", s->vips[i].name,
				s->vips[i].state, s->vips[i].usable, s->vips[i].members);
	for (size_t i = 0; i < s->n_backends; i++)
		if (!s->backends[i].new_ok)
			note(writer, view_tone(s->backends[i].health),
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
			view_state(interface->mode), TEXT(interface->note)};

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

int view_status_page(struct writer *writer, const struct snapshot *snapshot, const char *name)
{
	int err;

	(void)name;
	status_record(writer, snapshot);
	problems(writer, snapshot);
	err = interfaces_table(writer, snapshot);
	if (!err)
		err = view_vips_table(writer, snapshot);
	if (!err)
		err = usage_table(writer, snapshot);
	if (!err)
		err = reasons_table(writer, snapshot);
	return err;
}
