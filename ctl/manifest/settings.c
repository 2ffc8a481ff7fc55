/* SPDX-License-Identifier: BSD-2-Clause */
/* musterd.yaml */
#include "manifest/draft.h"
#include "manifest/fields.h"
#include "manifest/manifest.h"
#include "manifest/settings_sources.h"

#include <errno.h>
#include <net/if.h>

#define PATH_BYTES_MAX	  4000 /* room for what musterd appends */
#define RUN_DIR_BYTES_MAX 90   /* a socket's path has 107 bytes at most (unix(7)) */
#define GROUP_BYTES_MAX	  63

static const struct choice xdp_modes[] = {
	{"auto", SETTINGS_XDP_AUTO},
	{"native", SETTINGS_XDP_NATIVE},
	{"generic", SETTINGS_XDP_GENERIC},
};

static bool is_interface_name(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] == 0x7f || text[i] == '/' || text[i] == ':')
			return false;
	return n < IF_NAMESIZE && strcmp(text, ".") && strcmp(text, "..");
}

/* The reason why @text cannot be one more interface, or NULL. */
static const char *interface_problem(const struct settings *settings, const char *text)
{
	if (!is_interface_name(text))
		return "is not the name of an interface (at most 15 bytes)";
	for (size_t i = 0; i < settings->n_interfaces; i++)
		if (!strcmp(settings->interfaces[i], text))
			return "is listed already";
	if (settings->n_interfaces == SETTINGS_INTERFACES_MAX)
		return "is one too many: at most 16 interfaces";
	return NULL;
}

static void add_interface(
	const struct reading *r, const struct field *field, const struct node *value)
{
	const char *text = field_scalar(r, field, value, "a word"), *problem;
	struct settings *settings = r->object;
	char *copy;

	if (!text)
		return;
	problem = interface_problem(settings, text);
	if (problem) {
		complain_error(r->complaints, value->where, QUOTED " %s", text, problem);
		return;
	}
	copy = strdup(text);
	if (copy)
		settings->interfaces[settings->n_interfaces++] = copy;
	else
		r->complaints->no_memory = true;
}

static void read_interfaces(
	const struct reading *r, const struct field *field, const struct node *value)
{
	struct field entry = *field;

	entry.key = "interface";
	if (!field_is_list(r, field, value))
		return;
	for (value = value->child; value && !complaints_full(r->complaints); value = value->next)
		add_interface(r, &entry, value);
}

static void read_hash_key(
	const struct reading *r, const struct field *field, const struct node *value)
{
	const char *text = field_scalar(r, field, value, "32 hexadecimal digits");
	struct settings *settings = r->object;
	char half[17] = "";

	if (!text)
		return;
	if (strlen(text) != 32 || strspn(text, "0123456789abcdefABCDEF") != 32) {
		complain_error(r->complaints, value->where,
			"hash_key must be 32 hexadecimal digits (openssl rand -hex 16)");
		return;
	}
	for (size_t i = 0; i < 2; i++) {
		memcpy(half, text + 16 * i, 16);
		settings->hash_key.k[i] = strtoull(half, NULL, 16);
	}
	settings->hash_key_given = true;
}

static void read_slots(const struct reading *r, const struct field *field, const struct node *value)
{
	struct plan_limits *limits = &((struct settings *)r->object)->limits;

	field_number(r, field, value);
	if (limits->slots % MUSTER_ELEMENT_SLOTS)
		complain_error(r->complaints, value->where, "ring_slots must be a multiple of %d",
			MUSTER_ELEMENT_SLOTS);
}

static void read_buckets(
	const struct reading *r, const struct field *field, const struct node *value)
{
	struct plan_limits *limits = &((struct settings *)r->object)->limits;

	field_number(r, field, value);
	if (limits->buckets & (limits->buckets - 1))
		complain_error(r->complaints, value->where, "buckets must be a power of two");
}

static void read_flows(const struct reading *r, const struct field *field, const struct node *value)
{
	struct settings *settings = r->object;

	field_number(r, field, value);
	if (settings->flows & (settings->flows - 1))
		complain_error(r->complaints, value->where, "flows must be a power of two");
}

#define MEMBER(member) FIELD_AT(struct settings, member)

static const struct field limit_fields[] = {
	{.key = "services", .read = field_number, MEMBER(limits.services), FIELD_BOUNDS(1, 65536)},
	{.key = "members", .read = field_number, MEMBER(limits.members), FIELD_BOUNDS(1, 1 << 19)},
	{.key = "ring_slots", .read = read_slots, MEMBER(limits.slots), FIELD_BOUNDS(256, 1 << 28)},
	{.key = "nexthops", .read = field_number, MEMBER(nexthops), FIELD_BOUNDS(16, 1 << 20)},
	{.key = "fragments", .read = field_number, MEMBER(fragments), FIELD_BOUNDS(16, 1 << 20)},
	{.key = "flows", .read = read_flows, MEMBER(flows), FIELD_BOUNDS(1024, 1 << 26)},
	{.key = "buckets", .read = read_buckets, MEMBER(limits.buckets), FIELD_BOUNDS(1, 1 << 20)},
};

static const struct schema limits_schema = {
	.what = "limits",
	.fields = limit_fields,
	.n = ARRAY_SIZE(limit_fields),
};

static void read_limits(
	const struct reading *r, const struct field *field, const struct node *value)
{
	(void)field;
	schema_read(r, &limits_schema, value);
}

#define SETTLE_MIN 1000
#define SETTLE_MAX (24 * 3600 * 1000)

static const struct field settle_fields[] = {
	{.key = "tcp",
		.read = field_duration,
		MEMBER(settle_tcp),
		FIELD_BOUNDS(SETTLE_MIN, SETTLE_MAX)},
	{.key = "udp",
		.read = field_duration,
		MEMBER(settle_udp),
		FIELD_BOUNDS(SETTLE_MIN, SETTLE_MAX)},
};

static const struct schema settle_schema = {
	.what = "settle",
	.fields = settle_fields,
	.n = ARRAY_SIZE(settle_fields),
};

static void read_settle(
	const struct reading *r, const struct field *field, const struct node *value)
{
	(void)field;
	schema_read(r, &settle_schema, value);
}

#define DIRECTORY(member, bytes) \
	.key = #member, .read = field_path, MEMBER(member), FIELD_BOUNDS(1, bytes)
#define ACCOUNT(member) \
	.key = #member, .read = field_word, MEMBER(member), FIELD_BOUNDS(1, GROUP_BYTES_MAX)

static const struct field fields[] = {
	{.key = "interfaces", .read = read_interfaces, .required = true},
	{.key = "xdp", .read = field_choice, MEMBER(xdp), FIELD_CHOICES(xdp_modes)},
	{DIRECTORY(vips_dir, PATH_BYTES_MAX)},
	{DIRECTORY(run_dir, RUN_DIR_BYTES_MAX)},
	{DIRECTORY(state_dir, PATH_BYTES_MAX)},
	{DIRECTORY(pin_dir, PATH_BYTES_MAX)},
	{.key = "hash_key", .read = read_hash_key},
	{ACCOUNT(control_group)},
	{ACCOUNT(view_group)},
	{ACCOUNT(prober_user)},
	{DIRECTORY(prober_path, PATH_BYTES_MAX)},
	{.key = "limits", .read = read_limits, .schema = &limits_schema},
	{.key = "settle", .read = read_settle, .schema = &settle_schema},
	{.key = "reply_source", .read = settings_read_reply_source},
	{.key = "outer_source", .read = settings_read_outer_source},
	{.key = "reply_rate", .read = field_number, MEMBER(reply_rate), FIELD_BOUNDS(0, 1000000)},
};

const struct schema settings_schema = {
	.what = "musterd.yaml",
	.fields = fields,
	.n = ARRAY_SIZE(fields),
};

static void read_documents(const struct manifest_source *source, struct settings *settings,
	struct complaints *complaints)
{
	struct reading r = {.complaints = complaints, .object = settings};
	struct source_document document;
	struct source_cursor cursor;
	size_t n = 0;

	source_begin(&cursor, source);
	while (!complaints_full(complaints) && source_next(&cursor, &document)) {
		_cleanup_(node_free) struct node *node = NULL;
		struct origin where = {source->name, document.first_line, 1};

		if (n++)
			complain_error(complaints, where, "more than one document");
		else if (node_parse(&node, &document, source->name, complaints) && node)
			schema_read(&r, &settings_schema, node);
	}
	if (!n)
		complain_error(complaints, ((struct origin){source->name, 0, 0}),
			"no settings: interfaces is required");
}

int manifest_load_settings(
	const struct manifest_source *source, struct settings *ret, struct diags *diags)
{
	struct complaints complaints = {};
	int err = settings_init(ret);

	if (err)
		return err;
	if (source_check(source, source->name, &complaints))
		read_documents(source, ret, &complaints);
	err = complaints_hand_over(&complaints, NULL, 0, diags);
	if (err)
		settings_clear(ret);
	return err;
}
