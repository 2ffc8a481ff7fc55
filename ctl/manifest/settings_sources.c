/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/settings_sources.h"
#include "core/settings.h"
#include "manifest/draft.h"

#define HASHED_BITS_MAX 32 /* of an address, that the flow's hash may choose */

/* The entry of that family, or NULL with a complaint if it is taken. */
static bool is_second(
	const struct reading *r, const struct muster_addr *taken, const struct node *value)
{
	if (!taken->d[0] && !taken->d[1])
		return false;
	complain_error(r->complaints, value->where, "a second %s entry: at most one of each family",
		addr_is_v4(taken) ? "IPv4" : "IPv6");
	return true;
}

static void add_reply_source(
	const struct reading *r, const struct field *field, const struct node *value)
{
	struct settings *settings = r->object;
	struct muster_addr addr, *at;

	if (!field_parse_address(r, field, value, "a source", &addr))
		return;
	at = &settings->reply_source[!addr_is_v4(&addr)];
	if (!is_second(r, at, value))
		*at = addr;
}

void settings_read_reply_source(
	const struct reading *r, const struct field *field, const struct node *value)
{
	if (!field_is_list(r, field, value))
		return;
	for (value = value->child; value && !complaints_full(r->complaints); value = value->next)
		add_reply_source(r, field, value);
}

/* ---- outer_source: a prefix, in which the flow's hash chooses the address ---- */

static bool parse_length(const char *text, unsigned most, unsigned *ret)
{
	char *end;
	unsigned long length = strtoul(text, &end, 10);

	*ret = (unsigned)length;
	return *text >= '0' && *text <= '9' && !*end && length <= most;
}

static void add_outer_source(
	const struct reading *r, const struct field *field, const struct node *value)
{
	const char *text = field_scalar(r, field, value, "a prefix"), *slash;
	_free_ char *address = NULL;
	struct settings *settings = r->object;
	struct settings_prefix prefix, *at;
	unsigned bits, length;
	uint32_t host;

	if (!text)
		return;
	slash = strchr(text, '/');
	address = slash ? strndup(text, (size_t)(slash - text)) : strdup(text);
	if (!address || addr_parse(address, &prefix.addr)) {
		complain_error(r->complaints, value->where,
			QUOTED " is not an address or a prefix (10.64.0.0/16, \"2001:db8::/112\")",
			text);
		return;
	}
	length = bits = addr_is_v4(&prefix.addr) ? 32 : 128;
	if ((slash && !parse_length(slash + 1, bits, &length)) || bits - length > HASHED_BITS_MAX ||
		!length) {
		complain_error(r->complaints, value->where, QUOTED ": the length must be %u to %u",
			text, bits == 32 ? 1 : bits - HASHED_BITS_MAX, bits);
		return;
	}
	host = bits - length == 32 ? UINT32_MAX : (1u << (bits - length)) - 1;
	prefix.mask = htonl(host);
	if (prefix.addr.w[3] & prefix.mask) {
		complain_error(r->complaints, value->where,
			QUOTED " has bits behind its length of %u", text, length);
		return;
	}
	at = &settings->outer_source[bits == 128];
	if (!is_second(r, &at->addr, value))
		*at = prefix;
}

void settings_read_outer_source(
	const struct reading *r, const struct field *field, const struct node *value)
{
	if (!field_is_list(r, field, value))
		return;
	for (value = value->child; value && !complaints_full(r->complaints); value = value->next)
		add_outer_source(r, field, value);
}
