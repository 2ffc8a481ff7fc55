/* SPDX-License-Identifier: BSD-2-Clause */
#include "manifest/settings_sources.h"
#include "core/settings.h"
#include "manifest/draft.h"

#include <errno.h>

#define HASHED_BITS_MAX 32 /* of an address, that the flow's hash may choose */
#define IPV4_BITS_MIN	8  /* a shorter prefix reaches into what is no host's address */

/* Complains if that family has an entry already. */
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

static bool is_link_local(const struct muster_addr *addr)
{
	if (addr_is_v4(addr))
		return addr->b[12] == 169 && addr->b[13] == 254;
	return addr->b[0] == 0xfe && (addr->b[1] & 0xc0) == 0x80;
}

/* What is wrong with @text as an outer source, or NULL; @buf is room for a sentence. */
static const char *parse_prefix(const char *text, struct settings_prefix *ret, char *buf, size_t n)
{
	unsigned all, least, length = 0;
	int err = addr_parse_prefix(text, &ret->addr, &length);

	if (err && err != -ERANGE && err != -EDOM)
		return "is not an address or a prefix (10.64.0.0/16, \"2001:db8::/112\")";
	all = addr_is_v4(&ret->addr) ? 32 : 128;
	least = all == 32 ? IPV4_BITS_MIN : all - HASHED_BITS_MAX;
	if (err == -ERANGE || length < least) {
		snprintf(buf, n, "has to have a length of %u to %u", least, all);
		return buf;
	}
	if (err)
		return "has bits behind its length";
	if (addr_is_unusable(&ret->addr) || is_link_local(&ret->addr))
		return "are no addresses that routers carry";
	ret->mask = htonl(all - length == 32 ? UINT32_MAX : (1u << (all - length)) - 1);
	return NULL;
}

static void add_outer_source(
	const struct reading *r, const struct field *field, const struct node *value)
{
	const char *text = field_scalar(r, field, value, "a prefix"), *problem;
	struct settings *settings = r->object;
	struct settings_prefix prefix, *at;
	char buf[64];

	if (!text)
		return;
	problem = parse_prefix(text, &prefix, buf, sizeof(buf));
	if (problem) {
		complain_error(r->complaints, value->where, QUOTED " %s", text, problem);
		return;
	}
	at = &settings->outer_source[!addr_is_v4(&prefix.addr)];
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
